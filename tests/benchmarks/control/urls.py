from django.urls import include, path

from tests.benchmarks.control.views import Orders

urlpatterns = [path("control/orders", Orders.as_view()), path("", include("config.urls"))]
