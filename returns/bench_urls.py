"""Where returned goods are taken in, looked at and disposed of: on a handheld, and as panels beside a return."""

from django.urls import URLPattern, URLResolver, path

from returns.views import bench, bench_panel, rules, signals

urlpatterns: list[URLPattern | URLResolver] = [
    *(
        route
        for side in ("s", "w")  # a store's handheld, and a warehouse's: the same screens
        for route in (
            path(f"{side}/<str:code>/returns/", bench.site, {"side": side}, name=f"bench_{side}"),
            path(f"{side}/<str:code>/returns/<str:number>", bench.walk, {"side": side}, name=f"receive_{side}"),
            path(f"{side}/<str:code>/returns/<str:number>/scan", bench.scan, {"side": side}, name=f"scan_{side}"),
            path(f"{side}/<str:code>/returns/<str:number>/rule", bench.rule, {"side": side}, name=f"rule_{side}"),
            path(f"{side}/<str:code>/returns/<str:number>/<slug:verb>", bench.act, {"side": side}, name=f"act_{side}"),
        )
    ),
    path("returns/photos/<int:pk>", bench_panel.photo, name="photo"),
    path("returns/signals/", signals.signals, name="signals"),
    path("returns/signals/measure", signals.measure, name="signals_measure"),
    path("returns/signals/<int:pk>", signals.signal, name="signal"),
    path("returns/<str:number>/bench", bench_panel.panel, name="bench_panel"),
    path("returns/<str:number>/bench/<slug:verb>", bench_panel.act, name="bench_act"),
    path("ops/dispositions/", rules.versions, name="disposition_rules"),
    path("ops/dispositions/draft", rules.draft, name="disposition_draft"),
    path("ops/dispositions/<int:number>", rules.version, name="disposition_version"),
    path("ops/dispositions/<int:number>/<slug:verb>", rules.act, name="disposition_act"),
]
