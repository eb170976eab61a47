from django.urls import URLPattern, URLResolver, path

from exceptions.api.v1 import cases, verbs

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
    path("cases/<str:number>/actions/<slug:code>", verbs.Act.as_view(), name="case_act"),
    path("cases/<str:number>/actions/<slug:code>/preview", verbs.PreviewAct.as_view(), name="case_act_preview"),
    path("queues", cases.Queues.as_view(), name="queues"),
    path("reasons", cases.Reasons.as_view(), name="reasons"),
]
