from django.urls import URLPattern, URLResolver, path

from exceptions.api.v1 import acting, cases, verbs

urlpatterns: list[URLPattern | URLResolver] = [
    path("cases", cases.Cases.as_view(), name="cases"),
    path("cases/<str:number>", cases.OneCase.as_view(), name="case"),
    path("cases/<str:number>/timeline", cases.Timeline.as_view(), name="case_timeline"),
    path("cases/<str:number>/notes", cases.Notes.as_view(), name="case_notes"),
    path("cases/<str:number>/acknowledge", verbs.Acknowledge.as_view(), name="case_acknowledge"),
    path("cases/<str:number>/claim", verbs.Claim.as_view(), name="case_claim"),
    path("cases/<str:number>/assign", verbs.Assign.as_view(), name="case_assign"),
    path("cases/<str:number>/release", verbs.Release.as_view(), name="case_release"),
    path("cases/<str:number>/wait", verbs.Wait.as_view(), name="case_wait"),
    path("cases/<str:number>/resume", verbs.Resume.as_view(), name="case_resume"),
    path("cases/<str:number>/resolve", verbs.Resolve.as_view(), name="case_resolve"),
    path("cases/<str:number>/waive", verbs.Waive.as_view(), name="case_waive"),
    path("cases/<str:number>/reopen", verbs.Reopen.as_view(), name="case_reopen"),
    path("cases/<str:number>/actions/<slug:code>", acting.Act.as_view(), name="case_act"),
    path("cases/<str:number>/actions/<slug:code>/preview", acting.PreviewAct.as_view(), name="case_act_preview"),
    path("cases/<str:number>/snooze", verbs.Snooze.as_view(), name="case_snooze"),
    path("cases/<str:number>/wake", verbs.Wake.as_view(), name="case_wake"),
    path("cases/<str:number>/link", verbs.Link.as_view(), name="case_link"),
    path("cases/<str:number>/unlink", verbs.Unlink.as_view(), name="case_unlink"),
    path("cases/<str:number>/merge", verbs.Merge.as_view(), name="case_merge"),
    path("cases/<str:number>/watch", verbs.Watch.as_view(), name="case_watch"),
    path("cases/<str:number>/unwatch", verbs.Unwatch.as_view(), name="case_unwatch"),
    path("cases/<str:number>/approvals", acting.Approvals.as_view(), name="case_approvals"),
    path("cases/<str:number>/runs", acting.Runs.as_view(), name="case_runs"),
    path("cases/<str:number>/runs/<int:run>/undo", acting.Undo.as_view(), name="case_undo"),
    path("queues", cases.Queues.as_view(), name="queues"),
    path("reasons", cases.Reasons.as_view(), name="reasons"),
]
