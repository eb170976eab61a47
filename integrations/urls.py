from django.urls import URLPattern, URLResolver, path

from integrations.channels import views as hooks
from integrations.views import links, messages

app_name = "integrations"
urlpatterns: list[URLPattern | URLResolver] = [
    path("hooks/<uuid:connection_id>/", hooks.receive, name="hook"),
    path("hooks/<uuid:connection_id>/<path:topic>/", hooks.receive, name="hook_topic"),
    path("ops/messages/", messages.messages, name="messages"),
    path("ops/messages/new", messages.new, name="messages_new"),
    path("ops/messages/<int:message_id>", messages.message, name="message"),
    path("ops/messages/<int:message_id>/raw", messages.raw, name="raw"),
    path("ops/messages/<int:message_id>/reprocess", messages.reprocess, name="reprocess"),
    path("ops/messages/<int:message_id>/reprocess-alike", messages.reprocess_alike, name="reprocess_alike"),
    path("ops/messages/<int:message_id>/discard", messages.discard, name="discard"),
    path("ops/links/", links.links, name="links"),
    path("ops/links/<uuid:connection_id>/pause", links.pause, name="pause"),
    path("ops/links/<uuid:connection_id>/resume", links.resume, name="resume"),
]
