"""What may be promised: why a figure is what it is, the rules behind it, and what channels have heard."""

from django.urls import path

from inventory.views import buffers, publishing, why

urlpatterns = [
    path("stock/buffers/", buffers.buffers, name="buffers"),
    path("stock/buffers/new", buffers.new, name="buffer_new"),
    path("stock/buffers/preview", buffers.preview, name="buffer_preview"),
    path("stock/buffers/<int:pk>", buffers.edit, name="buffer"),
    path("stock/buffers/<int:pk>/retire", buffers.retire, name="buffer_retire"),
    path("stock/publishing/", publishing.feeds, name="publishing"),
    path("stock/publishing/<slug:channel>/snapshot", publishing.snapshot, name="publishing_snapshot"),
    path("stock/publishing/<slug:channel>/refused", publishing.refused, name="publishing_refused"),
    path("stock/<path:sku>/why", why.why, name="why"),
]
