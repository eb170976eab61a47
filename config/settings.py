"""Every setting, from the environment only. docs/operations.md lists the variables."""

from __future__ import annotations

import base64
import gc
import hashlib
from pathlib import Path
from typing import Any

import structlog

from config import environment as env
from core import logs

gc.disable()  # what is made while the apps load stays for good; config.apps takes it up again

BASE_DIR = Path(__file__).resolve().parent.parent
PRODUCTION = env.text("BACKROOM_ENV", "development") == "production"
DEBUG = env.flag("BACKROOM_DEBUG", default=False) and not PRODUCTION

# --- Secrets. Development has harmless stand-ins; production must bring its own.
_stand_in = None if PRODUCTION else "development-only-never-in-production-" + "0" * 16
SECRET_KEY = env.text("SECRET_KEY", _stand_in)
SECRET_KEY_FALLBACKS = env.listing("SECRET_KEY_FALLBACKS")
# Fernet keys for connection secrets, newest first; older ones still decrypt.
BACKROOM_SECRETS_KEYS = env.listing("BACKROOM_SECRETS_KEYS") or (
    [env.text("BACKROOM_SECRETS_KEYS")]
    if PRODUCTION
    else [base64.urlsafe_b64encode(hashlib.sha256(b"development-only").digest()).decode()]
)

ALLOWED_HOSTS = env.listing("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env.listing("CSRF_TRUSTED_ORIGINS")
# Where the portal is reached from outside: links in e-mails and what vendors call back.
PUBLIC_URL = env.text("PUBLIC_URL", "http://localhost:8000").rstrip("/")
# The live stream, where it isn't /live on the same host (as behind a proxy).
LIVE_URL = env.text("LIVE_URL", "")

# Webhooks go to public https addresses only; this lets a developer's own machine receive them.
# Refunds above it wait for a second person, where no approval rule says otherwise; as many smallest coins elsewhere.
ORDER_FILES = env.text("ORDER_FILES", "")  # a folder whose folders are watched for files of orders
REFUND_LIMIT = env.text("REFUND_LIMIT", "250.00")
WEBHOOKS_TO_PRIVATE_ADDRESSES = env.flag("WEBHOOKS_TO_PRIVATE_ADDRESSES", default=False) and not PRODUCTION

# --- Apps, lowest floor first; `config` last, because it wires the others together.
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pghistory",
    "pgtrigger",
    "rest_framework",
    "core",
    "exceptions",
    "inventory",
    "orders",
    "returns",
    "finance",
    "integrations",
    "config",
]

MIDDLEWARE = [
    "core.middleware.correlation.CorrelationMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.security.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "core.middleware.screens.ScreensMiddleware",  # outside the next one: it turns that one's redirect into htmx's words
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "environment": "core.jinja.environment",
            "autoescape": True,
            "auto_reload": DEBUG,
            "context_processors": ["core.screens.context"],
        },
    },
    {
        # The admin and the sign-in pages keep Django's own language.
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates" / "django"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Data. Redis may be lost at any time; PostgreSQL is the record.
DATABASES = {"default": env.database(env.text("DATABASE_URL"))}
# Worker slots that serve `outside`, all workers together. No connection is called from more than half of them at once,
# and no more than a quarter (one at least) go to servers that are slow to answer.
OUTSIDE_SLOTS = max(2, env.number("OUTSIDE_SLOTS", 2))

_pool = env.number("DATABASE_POOL", 0)  # connections a process may hold; 0 opens one a thread
if _pool:
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": _pool, "timeout": 10}
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "config.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "backroom",
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
    }
}
CELERY_BROKER_URL = env.broker(REDIS_URL)

# --- People
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = [
    "core.backends.People",
    "config.accounts.Backend",
]
# Unique on lower(email), which Django's check of USERNAME_FIELD does not recognise.
SILENCED_SYSTEM_CHECKS = ["auth.E003", "auth.W004"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "config.accounts.Adapter"
SOCIALACCOUNT_ADAPTER = "config.accounts.SocialAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # people are invited by an administrator, never signed up
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "Backroom"
# One OpenID Connect provider by environment; more through the admin.
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": []}}
if _oidc := env.text("OIDC_SERVER_URL", ""):
    SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"].append(
        {
            "provider_id": "oidc",
            "name": env.text("OIDC_NAME", "Single sign-on"),
            "client_id": env.text("OIDC_CLIENT_ID"),
            "secret": env.text("OIDC_CLIENT_SECRET"),
            "settings": {"server_url": _oidc},
        }
    )

SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SECURE = PRODUCTION
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- Transport
if PRODUCTION:
    SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=True)
    SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]
    SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", 31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    if env.flag("BEHIND_PROXY"):
        SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Whose X-Forwarded-For is believed: the networks of the proxies that stand before us.
TRUSTED_PROXIES = env.listing("TRUSTED_PROXIES", "127.0.0.0/8,::1/128")
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

# --- Words, times, files
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = env.text("STATIC_ROOT", str(BASE_DIR / "var" / "static") if PRODUCTION else "") or None
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
globals().update(env.mail(env.text("EMAIL_URL", "console://")))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("DEFAULT_FROM_EMAIL", "Backroom <backroom@localhost>")

# --- The API refuses unless a view says otherwise. Keys are kept by integrations; DRF would import this too early.
API_AUTHENTICATION = "integrations.authentication.ApiKeys"
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["config.permissions.Nobody"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.Schema",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# Whom to ask about an endpoint, by the app it belongs to.
API_OWNERS = {
    "orders": "Order management", "inventory": "Stock", "exceptions": "Exceptions", "integrations": "Integrations",
    "finance": "Finance", "core": "Platform", "returns": "Returns",
}  # fmt: skip
API_EXAMPLES = "config.api_examples.EXAMPLES"
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Backroom",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",  # bodies are described by JSON Schema 2020-12, which 3.0 is no superset of
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# The retailer's own GS1 company prefix, for the SSCCs of parcels whose labels are made here. Zeros are nobody's.
GS1_COMPANY_PREFIX = env.text("GS1_COMPANY_PREFIX", "0000000")

# Who may read /metrics from elsewhere; without a token only this machine may.
SOURCING_PROFILE_SECONDS = 2.0  # how long a process goes by the costs and capacities of nodes it has read
METRICS_TOKEN = env.text("METRICS_TOKEN", "")

# --- Logs: one JSON object a line in production, readable lines elsewhere.
DJANGO_STRUCTLOG_CELERY_ENABLED = False  # our own signals carry the correlation id (config/celery.py)
_stamps: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    logs.add_correlation,
    logs.hide_secrets,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_stamps,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "foreign_pre_chain": _stamps,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer()
                if PRODUCTION
                else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
            ],
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "httpx2": {"level": "WARNING"},
        # It tells every line of a bank statement it looks at, names and account numbers among them.
        "mt940": {"level": "CRITICAL"},
        # A wake-up every few seconds is no news.
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
    },
}
