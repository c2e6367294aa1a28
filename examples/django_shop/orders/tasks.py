"""The tasks."""

from __future__ import annotations

import time
from typing import Any

from celeriac import shared_task
from orders.models import Order

SECONDS_A_PARCEL = 0.2


@shared_task(bind=True)
def pack(self: Any, order_id: int) -> dict[str, int]:
    """Pack an order's parcels, and tell after each how far it is."""
    order = Order.objects.get(pk=order_id)
    for done in range(1, order.parcels + 1):
        time.sleep(SECONDS_A_PARCEL)
        Order.objects.filter(pk=order_id).update(packed=done)
        self.update_state(state="PROGRESS", meta={"done": done, "of": order.parcels})
    return {"done": order.parcels, "of": order.parcels}


@shared_task
def count_orders() -> int:
    """Count the orders; the schedule calls it once a minute."""
    return Order.objects.count()
