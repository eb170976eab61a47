from django.urls import URLPattern, URLResolver, path

from exceptions.views import actions, approvals, bulk, detail, downloads, panels, queue, registry, runs

app_name = "exceptions"
urlpatterns: list[URLPattern | URLResolver] = [
    path("exceptions/", queue.queue, name="queue"),
    path("exceptions/new", queue.new, name="new"),
    path("exceptions/export.csv", downloads.export, name="export"),
    path("exceptions/bulk/claim", bulk.claim, name="bulk_claim"),
    path("exceptions/bulk/assign", bulk.assign, name="bulk_assign"),
    path("exceptions/overdue", panels.overdue, name="overdue_panel"),
    path("exceptions/mine", panels.mine, name="mine_panel"),
    path("exceptions/reasons/", registry.registry, name="reasons"),
    path("exceptions/<int:case_id>", detail.detail, name="detail"),
    path("exceptions/<int:case_id>/claim", actions.claim, name="claim"),
    path("exceptions/<int:case_id>/release", actions.release, name="release"),
    path("exceptions/<int:case_id>/resume", actions.resume, name="resume"),
    path("exceptions/<int:case_id>/note", actions.note, name="note"),
    path("exceptions/<int:case_id>/assign", actions.assign, name="assign"),
    path("exceptions/<int:case_id>/pause", actions.pause, name="pause"),
    path("exceptions/<int:case_id>/resolve", actions.resolve, name="resolve"),
    path("exceptions/<int:case_id>/waive", actions.waive, name="waive"),
    path("exceptions/<int:case_id>/reopen", actions.reopen, name="reopen"),
    path("exceptions/<int:case_id>/do/<slug:code>", actions.act, name="act"),
    path("exceptions/approvals/", approvals.inbox, name="approvals"),
    path("exceptions/approvals/<int:request_id>", approvals.one, name="approval"),
    path("exceptions/approvals/<int:request_id>/<slug:verb>", approvals.decide, name="decide_approval"),
    path("exceptions/runs/", runs.log, name="runs"),
    path("exceptions/runs/<int:run_id>", runs.one, name="run"),
    path("exceptions/runs/<int:run_id>/undo", runs.undo, name="undo"),
]
