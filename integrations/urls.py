from django.urls import URLPattern, URLResolver, path

from integrations.channels import views as hooks
from integrations.views import aliases, clients, cutover, dead, editing, link, links, messages, trace, webhooks

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
    path("ops/messages/<int:message_id>/edit", editing.edit, name="edit"),
    path("ops/messages/<int:message_id>/mapping", aliases.wanted, name="mapping"),
    path("ops/messages/<int:message_id>/mapping/test", aliases.test, name="mapping_test"),
    path("ops/messages/<int:message_id>/mapping/save", aliases.save, name="mapping_save"),
    path("ops/links/<uuid:connection_id>/aliases", aliases.aliases, name="aliases"),
    path("ops/links/<uuid:connection_id>/aliases/history", aliases.history, name="alias_history"),
    path("ops/links/<uuid:connection_id>/aliases/say", aliases.say, name="alias_say"),
    path("ops/dead/", dead.groups, name="dead"),
    path("ops/dead/messages", dead.messages, name="dead_messages"),
    path("ops/dead/messages/<slug:verb>", dead.start_messages, name="dead_messages_start"),
    path("ops/dead/deliveries", dead.deliveries, name="dead_deliveries"),
    path("ops/dead/deliveries/<slug:verb>", dead.start_deliveries, name="dead_deliveries_start"),
    path("orders/<str:number>/trace", trace.trace, name="trace"),
    path("orders/<str:number>/trace/panel", trace.panel, name="trace_panel"),
    path("orders/<str:number>/trace/difference", trace.difference, name="trace_difference"),
    path("orders/<str:number>/trace/<slug:kind>/<int:pk>", trace.one, name="trace_row"),
    path("ops/webhooks/", webhooks.webhooks, name="webhooks"),
    path("ops/webhooks/new", webhooks.new, name="webhook_new"),
    path("ops/webhooks/<slug:code>", webhooks.webhook, name="webhook"),
    path("ops/webhooks/<slug:code>/edit", webhooks.edit, name="webhook_edit"),
    path("ops/webhooks/<slug:code>/rotate", webhooks.rotate, name="webhook_rotate"),
    path("ops/webhooks/<slug:code>/replay", webhooks.replay, name="webhook_replay"),
    *(
        path(f"ops/webhooks/<slug:code>/{verb}", webhooks.act, {"verb": verb}, name=f"webhook_{verb}")
        for verb in ("pause", "resume", "disable", "test", "again")
    ),
    path("ops/clients/", clients.clients, name="clients"),
    path("ops/clients/<int:pk>", clients.client, name="client"),
    path("ops/clients/<int:pk>/rotate", clients.rotate, name="client_rotate"),
    path("ops/clients/<int:pk>/keys/<int:key_id>/revoke", clients.revoke, name="key_revoke"),
    path("ops/links/", links.links, name="links"),
    path("ops/links/<uuid:connection_id>", link.link, name="link"),
    path("ops/links/<uuid:connection_id>/feeds/<slug:name>", link.read_feed, name="feed_read"),
    path("ops/links/<uuid:connection_id>/cutover", cutover.panel, name="cutover"),
    path("ops/links/<uuid:connection_id>/cutover/preview", cutover.preview, name="cutover_preview"),
    path("ops/links/<uuid:connection_id>/cutover/change", cutover.change, name="cutover_change"),
    path("ops/links/<uuid:connection_id>/cutover/back", cutover.back, name="cutover_back"),
    path("ops/links/<uuid:connection_id>/cutover/take-in", cutover.take_in, name="cutover_take_in"),
    path("ops/links/<uuid:connection_id>/shadow", cutover.shadow, name="shadow"),
    path("ops/links/<uuid:connection_id>/pause", links.pause, name="pause"),
    path("ops/links/<uuid:connection_id>/resume", links.resume, name="resume"),
]
