"""When tasks run: intervals, the wall clock, the sun, once."""

from celeriac.schedules.clocked import clocked
from celeriac.schedules.contract import BaseSchedule, ScheduleError, schedstate
from celeriac.schedules.cron_grammar import ParseException
from celeriac.schedules.crontab import crontab, crontab_parser
from celeriac.schedules.interval import schedule
from celeriac.schedules.making import maybe_schedule
from celeriac.schedules.solar import solar

__all__ = [
    "BaseSchedule",
    "ParseException",
    "ScheduleError",
    "clocked",
    "crontab",
    "crontab_parser",
    "maybe_schedule",
    "schedstate",
    "schedule",
    "solar",
]
