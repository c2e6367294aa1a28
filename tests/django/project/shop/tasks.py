from __future__ import annotations

import logging

from celery import shared_task
from django.db import connection

from shop.models import Order

try:
    from django.tasks import task
except ImportError:
    from django_tasks import task

logger = logging.getLogger("shop")


@shared_task
def add(x, y):
    return x + y


@shared_task
def total(numbers):
    return sum(numbers)


@shared_task
def refuse():
    raise ValueError("no such order")


@shared_task
def order(title):
    logger.info("ordered %s", title)
    return Order.objects.create(title=title).pk


@shared_task
def count():
    open_before = connection.connection is not None
    return [open_before, Order.objects.count()]


@shared_task
async def count_softly():
    return await Order.objects.acount()


@task
def price(pieces, each=2):
    return pieces * each


@task(takes_context=True, priority=50)
async def attempt(context):
    return [context.attempt, await Order.objects.acount()]


@task
def fail():
    raise ValueError("sold out")
