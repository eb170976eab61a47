from django.urls import URLPattern, URLResolver, path

from finance.views import bank, labels, postings, settlements

app_name = "finance"
urlpatterns: list[URLPattern | URLResolver] = [
    path("finance/postings/", postings.listed, name="postings"),
    path("finance/postings/export.csv", postings.export, name="export"),
    path("finance/postings/<int:uid>", postings.posting, name="posting"),
    path("finance/postings/<int:uid>/retry", postings.retry, name="retry"),
    path("finance/orders/<str:number>/panel", postings.order_panel, name="order_panel"),
    path("finance/orders/<str:number>/told", postings.order_told, name="order_told"),
    # Settlements
    path("finance/settlements/", settlements.listed, name="settlements"),
    path("finance/settlements/new", settlements.upload, name="settlement_new"),
    path("finance/settlements/files/<uuid:uid>", settlements.file, name="settlement_file"),
    path("finance/settlements/files/<uuid:uid>/terms", settlements.arrange, name="settlement_terms"),
    path("finance/settlements/files/<uuid:uid>/import", settlements.take, name="settlement_take"),
    path("finance/settlements/files/<uuid:uid>/discard", settlements.discard, name="settlement_discard"),
    path("finance/settlements/<int:uid>", settlements.settlement, name="settlement"),
    path("finance/settlements/<int:uid>/lines.csv", settlements.export, name="settlement_export"),
    path("finance/settlements/<int:uid>/match", settlements.rematch, name="settlement_match"),
    path("finance/settlements/<int:uid>/lines/<int:line_id>", settlements.line, name="settlement_line"),
    path("finance/settlements/<int:uid>/lines/<int:line_id>/pair", settlements.pair, name="settlement_pair"),
    path("finance/settlements/<int:uid>/lines/<int:line_id>/write-off", settlements.write_off, name="write_off"),
    path(
        "finance/settlements/<int:uid>/matches/<int:match_id>/confirm",
        settlements.decide,
        {"verb": "confirm"},
        name="match_confirm",
    ),
    path(
        "finance/settlements/<int:uid>/matches/<int:match_id>/decline",
        settlements.decide,
        {"verb": "decline"},
        name="match_decline",
    ),
    path(
        "finance/settlements/<int:uid>/matches/<int:match_id>/undo",
        settlements.decide,
        {"verb": "undo"},
        name="match_undo",
    ),
    path("finance/labels/", labels.listed, name="labels"),
    path("finance/labels/preview", labels.preview, name="label_preview"),
    path("finance/labels/say", labels.say, name="label_say"),
    path("finance/fees/", labels.fees, name="fees"),
    path("finance/bank/", bank.listed, name="bank"),
    path("finance/bank/preview", bank.preview, name="bank_preview"),
    path("finance/bank/statements/<int:uid>", bank.statement, name="bank_statement"),
    path("finance/bank/lines/<int:uid>/attach", bank.attach, name="bank_attach"),
    path("finance/bank/lines/<int:uid>/detach", bank.detach, name="bank_detach"),
]
