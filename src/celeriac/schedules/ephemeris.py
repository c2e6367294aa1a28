"""Where the sun is, by the library ephem (extra ``solar``); imported only when a solar schedule is asked."""

from __future__ import annotations

from datetime import datetime, timedelta

import ephem

SEARCHED_DAYS = 366
_STEP = timedelta(days=1)


def next_sun(moment: datetime, *, method: str, horizon: str, center: bool, lat: float, lon: float) -> datetime | None:
    """Return the next rising, setting or transit after a moment (naive, UTC); None when there is none within ``SEARCHED_DAYS``.

    ``horizon`` is in degrees (and minutes of arc), of the sun's centre or of its upper edge. Where the sun stays up or down, day after day is tried.
    """
    observer = ephem.Observer()
    # Without air: the refraction is in the horizon already, and so does not depend on a weather that nobody knows.
    observer.lat, observer.lon, observer.pressure, observer.elevation, observer.horizon = str(lat), str(lon), 0, 0, horizon
    named = {} if method == "next_transit" else {"use_center": center}
    for day in range(SEARCHED_DAYS):
        start = moment + day * _STEP
        try:
            found: datetime = getattr(observer, method)(ephem.Sun(), start=ephem.Date(start), **named).datetime()
        except ephem.CircumpolarError:
            continue
        if found > moment:
            return found
    return None
