"""The pages: take an order, watch it being packed."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render

from celeriac import AsyncResult, uuid
from orders.models import Order
from orders.tasks import pack


def start(request: HttpRequest) -> HttpResponse:
    """Show the form; take an order, and with it, in one transaction, the call of its task."""
    if request.method != "POST":
        return render(request, "orders/start.html", {"orders": Order.objects.order_by("-pk")[:20]})
    with transaction.atomic():
        order = Order.objects.create(title=request.POST.get("title") or "an order", task_id=uuid())
        pack.apply_async((order.pk,), task_id=order.task_id, transactional=True)
    return redirect("progress", order.pk)


def progress(request: HttpRequest, order_id: int) -> HttpResponse:
    """Show a bar that follows the task."""
    return render(request, "orders/progress.html", {"order": get_object_or_404(Order, pk=order_id)})


def state(request: HttpRequest, task_id: str) -> JsonResponse:
    """Tell how far a task is."""
    result = AsyncResult(task_id)
    meta = result.info if isinstance(result.info, dict) else {}
    return JsonResponse({"state": result.state, "done": meta.get("done", 0), "of": meta.get("of"), "ready": result.ready()})
