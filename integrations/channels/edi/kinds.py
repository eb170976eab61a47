"""Which document is which: the sets and messages Backroom knows by name, and why most ask nothing of it."""

from __future__ import annotations


def _table(text: str) -> dict[str, str]:
    """A code and what it stands for on each line."""
    return dict(line.strip().split(" ", 1) for line in text.strip().splitlines())


# Transaction sets of X12 that retailers, their suppliers, carriers and banks exchange, and what they are.
X12 = _table("""
104 air shipment information
106 motor carrier rate proposal
107 a request for a rate proposal
110 a freight bill of an air carrier
113 election campaign finance
140 product registration
141 a product service claim response
142 a product service claim
143 product service notification
152 statistical government information
153 unemployment insurance
157 a notice of power of attorney
160 transportation equipment identification
161 train sheet
163 transportation appointments
170 revenue receipts statement
180 a return authorisation and notification
204 a load tender to a motor carrier
210 a freight bill of a motor carrier
211 a motor carrier's bill of lading
212 a delivery trailer manifest
213 an inquiry about a shipment's status
214 a motor carrier's shipment status
215 a pick-up manifest
216 a pick-up notification
217 motor carrier loading and routes
218 a motor carrier's tariff
219 a logistics service request
220 a logistics service response
222 cartage work assignment
223 consolidators' freight bill
224 a summary freight bill
225 a response to a cartage assignment
240 a motor carrier's package status
250 a purchase order shipment management document
300 a reservation of cargo space
301 a confirmation of cargo space
304 shipping instructions
309 a customs manifest
310 a freight bill of an ocean carrier
312 an arrival notice
315 status of an ocean shipment
322 intermodal activity
350 customs status
353 customs events
355 customs acceptance or rejection
404 a rail carrier's shipment information
410 a rail carrier's freight bill
417 a rail waybill
418 a rail advance interchange consist
421 an estimated time of arrival
426 rail revenue waybill
440 shipment weights
452 a rail problem log
490 a rate group
511 a requisition
527 a material due-in and receipt
536 a logistics reassignment
561 a contract abstract
753 a request for routing instructions
754 routing instructions
810 an invoice
811 a consolidated service invoice
812 a credit or debit adjustment
813 an electronic tax return
814 a general request or response
815 cryptographic service
816 organisational relationships
818 a commission sales report
819 a joint interest billing
820 a payment order or remittance advice
821 financial information reporting
822 an account analysis
823 a lockbox report
824 an application advice
826 tax information
827 a return of a payment order
828 a debit authorisation
829 a payment cancellation request
830 a planning schedule
831 application control totals
832 a price or sales catalogue
834 benefit enrolment
835 a health care claim payment
836 a procurement notice
837 a health care claim
838 a trading partner profile
839 a project cost report
840 a request for a quotation
841 specifications
842 a nonconformance report
843 a response to a request for a quotation
844 a product transfer adjustment
845 a price authorisation
846 an inventory advice
847 a material claim
848 a material safety data sheet
849 a response to a product transfer adjustment
850 a purchase order
851 an asset schedule
852 product activity
853 routing and carrier instructions
854 a shipment delivery discrepancy
855 a purchase order acknowledgement
856 a ship notice
857 a shipment and billing notice
858 shipment information
859 a freight invoice
860 a purchase order change
861 a receiving advice
862 a shipping schedule
863 a report of test results
864 a text message
865 a purchase order change acknowledgement
866 a production sequence
867 a product transfer and resale report
868 an electronic form structure
869 an order status inquiry
870 an order status report
872 a residential mortgage document
873 commodity movement services
874 a response to commodity movement services
875 a grocery purchase order
876 a grocery purchase order change
877 a manufacturer's coupon family
878 product authorisation
879 price information
880 a grocery invoice
881 a manufacturer's coupon redemption
882 direct store delivery summary
883 market development funds
884 a market development fund settlement
885 retail account characteristics
886 a customer call report
887 a coupon notification
888 item maintenance
889 a promotion announcement
891 a deduction research report
893 item information request
894 a delivery or return base record
895 an acknowledgement of a delivery or return
896 product dimension maintenance
920 a loss or damage claim
924 a reply to a loss or damage claim
925 a claim tracer
926 a claim status report
928 automotive inspection
940 a warehouse shipping order
943 a stock transfer shipment advice
944 a stock transfer receipt advice
945 a warehouse shipping advice
947 a warehouse inventory adjustment
980 functional group totals
990 a response to a load tender
993 secured receipt
996 a file transfer
997 a functional acknowledgement
998 a set cancellation
999 an implementation acknowledgement
""")

WHY_NOT = _table("""
180 returns are agreed on in Backroom, not announced by EDI
214 carriers are followed through their own connections
810 what suppliers bill is booked by the ERP
816 places are kept in Backroom
820 payments are matched from settlements
824 it answers a document of ours
830 a forecast commits nobody to anything
832 articles and prices are kept in Backroom
857 what left and what is billed for it is the sender's
861 what the buyer received is not booked here
864 it is meant for people
865 Backroom sends no changes of purchase orders
867 it says what others sold, which is no order and no level of stock
869 orders' states are told by ship notices
870 it tells the state of orders that are the sender's
875 grocery orders are taken as 850
876 grocery orders are taken as 850 and 860
943 transfers are kept in Backroom
944 transfers are received in Backroom
947 stock is compared by 846 and counted, never adjusted by message
""")

# EDIFACT messages of trade and transport.
EDIFACT = _table("""
APERAK an application error or acknowledgement
AUTHOR an authorisation
BALANC a balance
BANSTA a banking status
BAPLIE a bayplan
CNTCND contractual conditions
COARRI a container discharge report
CODECO a container gate report
COMDIS a commercial dispute
CONDRA a drawing administration
CONTRL a syntax acknowledgement
COPARN a container announcement
COPINO a container pre-notification
COPRAR a container discharge order
COREOR a container release order
CREADV a credit advice
CREMUL a multiple credit advice
CUSDEC a customs declaration
CUSRES a customs response
DEBADV a debit advice
DELFOR a delivery schedule
DELJIT a just-in-time delivery schedule
DESADV a despatch advice
DIRDEB a direct debit
FINSTA a financial statement
GENRAL a text message
HANMOV handling instructions
IFCSUM a forwarding and consolidation summary
IFTDGN dangerous goods
IFTMAN an arrival notice
IFTMBC a booking confirmation
IFTMBF a firm booking
IFTMIN transport instructions
IFTRIN transport rates
IFTSTA a multimodal transport status
INSDES an instruction to despatch
INVOIC an invoice
INVRPT an inventory report
LEDGER a ledger
MSCONS a report of consumption
ORDCHG a purchase order change
ORDERS a purchase order
ORDRSP an answer to a purchase order
OSTENQ an order status inquiry
OSTRPT an order status report
PARTIN party information
PAXLST a passenger list
PAYMUL a multiple payment order
PAYORD a payment order
PRICAT a price and sales catalogue
PRODAT product data
PROTAP a project tasks planning
QUOTES a quotation
RDRMES a raw data report
RECADV a receiving advice
RECLAM a claim
REMADV a remittance advice
REQDOC a request for a document
REQOTE a request for a quotation
RETANN an announcement of returns
RETINS instructions for returns
SANCRT a sanitary certificate
SLSFCT a sales forecast
SLSRPT a sales data report
STATAC a statement of account
SUPCOT superannuation contributions
TANSTA a tank status report
TAXCON a tax control message
TPFREP terminal performance
UTILMD utilities master data
UTILTS a utilities time series
VATDEC a value added tax declaration
WKGRDC a work grant decision
""")

WHY_NOT_EDIFACT = _table("""
APERAK it answers a document of ours
DELFOR a forecast commits nobody to anything
IFTSTA carriers are followed through their own connections
INVOIC what suppliers bill is booked by the ERP
PRICAT articles and prices are kept in Backroom
RECADV what the buyer received is not booked here
REMADV payments are matched from settlements
SLSRPT it says what others sold, which is no order and no level of stock
""")


# Functional identifiers (GS01) of the sets we write.
GROUPS = {"810": "IN", "846": "IB", "850": "PO", "855": "PR", "856": "SH", "940": "OW", "997": "FA"}


def x12_reason(kind: str) -> str:
    """Why nothing is done about this transaction set; empty for one X12 doesn't know."""
    return _reason(f"X12 {kind}", X12.get(kind, ""), WHY_NOT.get(kind, ""))


def edifact_reason(kind: str) -> str:
    return _reason(f"EDIFACT {kind}", EDIFACT.get(kind, ""), WHY_NOT_EDIFACT.get(kind, ""))


def _reason(kind: str, what: str, why: str) -> str:
    if not what:
        return ""
    return f"{kind} is {what}; {why or 'nothing in Backroom follows from one'}"
