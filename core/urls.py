"""The shell's own pages."""

from django.urls import URLPattern, URLResolver, path

from core.views import accounts, home, jobs, live, preferences, search

app_name = "core"
urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("search", search.search, name="search"),
    path("favicon.ico", home.favicon, name="favicon"),
    path("offline.js", home.offline, name="offline"),
    path("login", accounts.login, name="login"),
    path("me", preferences.preferences, name="preferences"),
    path("me/theme", preferences.theme, name="theme"),
    path("me/sites", preferences.sites, name="sites"),
    path("me/site", preferences.site, name="site"),
    path("jobs/<int:job_id>", jobs.detail, name="job"),
    path("jobs/<int:job_id>/stop", jobs.stop, name="job_stop"),
    path("live", live.stream, name="live"),
    path("live/counts", live.counts, name="live_counts"),
]
