"""The addresses of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from orders import views

urlpatterns = [
    path("", views.start, name="start"),
    path("orders/<int:order_id>/", views.progress, name="progress"),
    path("tasks/<str:task_id>/", views.state, name="state"),
    path("admin/", admin.site.urls),
]
