"""What each ERP's documented error bodies mean: tried again, for a person with its kind, or about a field by name."""

from __future__ import annotations

import json

import pytest

from core.errors import TryLater
from integrations.erp.businesscentral.client import BusinessCentral
from integrations.erp.calls import Refused
from integrations.erp.erpnext.client import ErpNext
from integrations.erp.netsuite.client import NetSuite
from integrations.erp.odoo.client import Odoo
from integrations.erp.sap.client import Sap
from integrations.failures import FailureClass
from integrations.http import FailedForGood
from integrations.models import Connection
from tests.integrations.servers.erp import Told
from tests.integrations.test_erps import serving

LATER = "later"


def odoo(name, message):
    return Odoo, 422, {"name": name, "message": message, "arguments": [message], "context": {}, "debug": "Traceback …"}


def erpnext(kind, words):
    told = json.dumps([json.dumps({"message": words, "indicator": "red"})])
    return ErpNext, 417, {"exc_type": kind, "exception": f"frappe.exceptions.{kind}: {words}", "_server_messages": told}


def netsuite(code, words, **at):
    return NetSuite, 400, {"status": 400, "o:errorDetails": [{"detail": words, "o:errorCode": code, **at}]}


def central(code, words):
    return BusinessCentral, 400, {"error": {"code": code, "message": f"{words}  CorrelationId:  8c5f7a4e-0000-4000."}}


def sap(code, words, **detail):
    details = [{"code": code, "message": words, "severity": "error", **detail}]
    error = {"code": code, "message": {"lang": "en", "value": words}, "innererror": {"errordetails": details}}
    return Sap, 400, {"error": error}


TABLE = [
    (odoo("psycopg2.errors.SerializationFailure", "could not serialize access"), LATER, ""),
    (odoo("odoo.exceptions.LockError", "Unable to acquire the lock"), LATER, ""),
    (odoo("psycopg2.errors.UniqueViolation", "duplicate key value"), "duplicate", ""),
    (odoo("odoo.exceptions.AccessError", "You are not allowed to create Journal Entry"), "authentication", ""),
    (odoo("odoo.exceptions.MissingError", "Record does not exist or has been deleted."), "missing_reference", ""),
    (odoo("odoo.exceptions.UserError", "You cannot add/modify entries prior to and inclusive of: Tax Return Lock"
                                       " Date (03/31/2026)."), "conflict", ""),
    (odoo("odoo.exceptions.UserError", "The entry is not balanced."), "bad_value", ""),
    (odoo("builtins.ValueError", "Invalid field 'tax_idz' on model 'sale.order.line'"), "bad_value", "tax_idz"),
    (erpnext("TimestampMismatchError", "Document has been modified after you have opened it"), LATER, ""),
    (erpnext("TooManyWritesError", "Too many changes to database in single action."), LATER, ""),
    (erpnext("ClosedAccountingPeriod", "You cannot create a Journal Entry within the closed Accounting Period"),
     "conflict", ""),
    (erpnext("ValidationError", "You are not authorized to add or update entries before 31-03-2026"), "conflict", ""),
    (erpnext("MandatoryError", "[Journal Entry, ACC-JV-2026-1]: cheque_date"), "bad_value", "cheque_date"),
    (erpnext("LinkValidationError", "Could not find Row #2: Account: <b>4000 - OS</b>"), "missing_reference",
     "Row #2: Account"),
    (erpnext("FiscalYearError", "Date 01-01-2031 is not in any active Fiscal Year"), "missing_reference", ""),
    (erpnext("DuplicateEntryError", "Journal Entry ACC-JV-1 already exists"), "duplicate", ""),
    (netsuite("CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked."), LATER, ""),
    (netsuite("RCRD_HAS_BEEN_CHANGED", "Record has been changed"), LATER, ""),
    (netsuite("INVALID_CONTENT", "Error while accessing a resource. Invalid field value.",
              **{"o:errorPath": "item.items[0].item"}), "bad_value", "item.items[0].item"),
    (netsuite("INVALID_KEY_OR_REF", "Invalid customer reference key 99999.", **{"o:errorPath": "entity"}),
     "missing_reference", "entity"),
    (netsuite("TRANS_UNBALNCD", "The amounts in a journal entry must balance."), "bad_value", ""),
    (netsuite("TRAN_PRD_CLOSED", "The period is closed."), "conflict", ""),
    (netsuite("DUP_RCRD", "This record already exists"), "duplicate", ""),
    (netsuite("INSUFFICIENT_PERMISSION", "Permission Violation"), "authentication", ""),
    (central("Internal_ServerError", "An unexpected error occurred."), LATER, ""),
    (central("Application_DialogException", "Posting Date is not within your range of allowed posting dates."),
     "conflict", ""),
    (central("Internal_InvalidTableRelation", "The field Account No. of table Gen. Journal Line contains a value"
                                              " (9999) that cannot be found"), "missing_reference", "Account No."),
    (sap("V1/042", "Sales document 42 is currently being processed by user KIM"), LATER, ""),
    (sap("V1/302", "Material X is not defined for sales org.1010"), "missing_reference", ""),
    (sap("/IWBEP/CM_MGW_RT/021", "Method 'CHANGE' not implemented in data provider class"), "bad_value", ""),
    (sap("M7/053", "Posting only possible in periods 2026/03 and 2026/02 in company code 1010"), "conflict", ""),
    (sap("VL/609", "Goods issue has been posted already", propertyref="DeliveryDocument"), "conflict",
     "DeliveryDocument"),
]  # fmt: skip


@pytest.mark.parametrize("answer, meaning, named", TABLE, ids=[str(row[0][2])[:60] for row in TABLE])
def test_an_answer_means_what_its_documentation_says(answer, meaning, named):
    client, status, body = answer
    connection = Connection(vendor="x", settings={"url": "https://erp.example"})
    refusal = FailedForGood(FailureClass.BAD_VALUE, "", status=status, body=json.dumps(body).encode())

    said = client(connection).judge(refusal, "POST x")

    if meaning == LATER:
        assert isinstance(said, TryLater)
    elif meaning == "authentication":
        assert isinstance(said, FailedForGood)
        assert said.failure_class == FailureClass.AUTHENTICATION
    else:
        assert isinstance(said, Refused)
        assert (said.failure_class, said.field) == (FailureClass(meaning), named)
        assert named in said.message


@pytest.mark.parametrize("client", [BusinessCentral, ErpNext, NetSuite, Odoo, Sap])
@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b"[]", b"{}", b'{"error": 7}', b'"no"'])
def test_an_answer_that_is_none_of_theirs_is_passed_on_as_it_came(client, body):
    connection = Connection(vendor="x", settings={"url": "https://erp.example"})
    refusal = FailedForGood(FailureClass.BAD_VALUE, "", status=400, body=body)

    assert client(connection).judge(refusal, "POST x") is refusal


@pytest.mark.django_db
def test_a_page_instead_of_saps_token_is_asked_for_again():
    with serving("sap") as erp:
        erp.faults.append(Told(200))

        with pytest.raises(TryLater, match="can't be read"):
            Sap(erp.connection).change("POST", "x")
