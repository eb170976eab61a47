"""Which document is which: the sets and messages Backroom knows by name, and why most ask nothing of it."""

from __future__ import annotations

from integrations.channels.edi.units import code_list


def _table(text: str) -> dict[str, str]:
    """A code and what it stands for on each line."""
    return dict(line.strip().split(" ", 1) for line in text.strip().splitlines())


# Transaction sets of X12 that retailers, their suppliers, carriers and banks exchange, and what they are.
X12 = _table("""
101 name and address lists
104 air shipment information
105 business entity filings
106 motor carrier rate proposal
107 a request for a rate proposal
108 a response to a rate proposal
109 vessel content details
110 a freight bill of an air carrier
112 a property damage report
113 election campaign finance
120 a vehicle shipping order
121 vehicle service
124 vehicle damage
125 a multilevel rail car load
126 a vehicle application advice
127 vehicle baying
128 dealer information
129 a vehicle carrier rate update
130 a student's record
131 an acknowledgement of a student's record
132 human resource information
133 an educational institution record
135 a student aid origination record
138 educational testing results
139 a student loan guarantee result
140 product registration
141 a product service claim response
142 a product service claim
143 product service notification
144 a student loan transfer
146 a request for a student's record
147 a response to such a request
148 a report of injury
149 a notice of tax adjustment
150 tax rate notification
151 an acknowledgement of an electronic tax return
152 statistical government information
153 unemployment insurance
154 a secured interest filing
155 a business credit report
157 a notice of power of attorney
158 a tax jurisdiction sourcing
159 motion picture booking
160 transportation equipment identification
161 train sheet
163 transportation appointments
170 revenue receipts statement
175 a court notice
176 court submission
179 an environmental compliance report
180 a return authorisation and notification
185 royalty regulatory report
186 insurance underwriting requirements
187 premium audit request
188 educational course inventory
189 an application for admission
190 a student's enrolment verification
191 student loan pre-claims
194 grant or assistance application
195 a licence application
196 contractor cost data
197 a real estate title
198 loan verification
199 real estate settlement
200 a mortgage credit report
201 a residential loan application
202 a secondary mortgage market document
203 a secondary mortgage market report
204 a load tender to a motor carrier
205 a mortgage note
206 a real estate inspection
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
227 trailer usage
228 equipment inspection
240 a motor carrier's package status
242 a data status tracking
244 product source information
245 a real estate tax service response
248 account assignment
249 animal toxicological data
250 a purchase order shipment management document
251 pricing support
252 insurance producer administration
255 underwriting information
256 periodic compensation
259 a residential mortgage insurance explanation
260 an application for mortgage insurance benefits
261 a real estate information request
262 a real estate information report
263 a response to a mortgage insurance application
264 a mortgage loan default
265 a real estate title insurance order
266 a mortgage appraisal order
267 individual life insurance
268 annuity activity
269 a health care benefit coordination
270 an eligibility inquiry
271 an eligibility response
272 a property loss notification
273 insurance or annuity application status
274 health care provider information
275 patient information
276 a health care claim status request
277 a health care claim status
278 a health care service review
280 a voter registration
283 a tax or fee exemption
284 commercial vehicle safety reports
285 commercial vehicle credentials
286 commercial vehicle credentials
288 wage determination
290 cooperative advertising agreements
300 a reservation of cargo space
301 a confirmation of cargo space
303 a booking cancellation
304 shipping instructions
306 dock receipt
309 a customs manifest
310 a freight bill of an ocean carrier
311 Canadian customs information
312 an arrival notice
313 a shipment status inquiry
315 status of an ocean shipment
317 a delivery or pickup order
319 terminal information
322 intermodal activity
323 vessel schedules
324 a vessel stow plan
325 consolidation of goods
326 a consignment summary
350 customs status
352 customs carrier general order
353 customs events
354 customs automated manifest summary
355 customs acceptance or rejection
356 a permit to transfer
357 a customs in-bond
358 customs consist
361 a carrier interchange agreement
362 a cargo insurance advice
403 equipment manifests
404 a rail carrier's shipment information
405 an inbond shipment
410 a rail carrier's freight bill
412 a trailer repair billing
414 rail car hire
417 a rail waybill
418 a rail advance interchange consist
419 advance car disposition
420 car handling information
421 an estimated time of arrival
422 equipment order
423 rail industrial switch list
424 rail carrier services settlement
425 rail waybill request
426 rail revenue waybill
429 railroad retirement activity
431 a railroad station master
432 rail deprescription
433 railroad reciprocal switch
434 railroad mark register
435 standard transportation commodity codes
436 locomotive information
437 railroad junctions
440 shipment weights
451 railroad event report
452 a rail problem log
453 rail service commitments
455 railroad parameter trace
456 railroad equipment inquiry
460 a rail price distribution request
463 rail rate reply
466 rate request
468 a rate docket journal log
470 railroad clearance
475 rail route file maintenance
485 a rate making action
486 rate docket expiration
490 a rate group
492 miscellaneous rates
494 rail scale rates
500 medical event reporting
501 a vendor performance review
503 pricing history
504 clauses and provisions
511 a requisition
517 material obligation validation
521 income or asset offset
527 a material due-in and receipt
536 a logistics reassignment
540 a notice of employment status
561 a contract abstract
567 a contract completion status
568 a contract payment management report
601 a customs export shipment
602 transportation services tender
620 an excavation communication
622 intermodal ramp activity
625 well information
650 maintenance service order
715 an intermodal group loading plan
753 a request for routing instructions
754 routing instructions
805 contract pricing proposal
806 a project schedule report
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
833 a mortgage credit report order
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
950 a fixed asset
970 extended order status
971 a location inventory
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
# Further messages of the directories, which nobody here has met yet.
_OTHERS = code_list(
    "ALOCAT AUTACK AVLREQ AVLRSP BERMAN BMISRM BOPBNK BOPCUS BOPDIR BOPINF BUSCRD CALINF CASINT CASRES "
    "CHACCO CLASET COACSU CODENO COEDOR COHAOR COLREQ CONAPW CONDPV CONDRO CONEST CONITT CONPVA CONQVA "
    "CONRPW CONTEN CONWQD COPAYM COSTCO COSTOR CREEXT CUSCAR CUSEXP CUSPED CUSREP DAPLOS DEBMUL DEBREC "
    "DELORD DELRES DESTIM DGRECA DIRDEF DMRDEF DMSTAT DOCADV DOCAMA DOCAMI DOCAMR DOCAPP DOCARE DOCINF "
    "ENTREC FINCAN FINPAY GATEAC GESMES ICASRP ICSOLI IFTCCA IFTFCC IFTIAG IFTICL IFTMBP IFTMCA IFTMCS "
    "IFTMFR IFTSAI IFTSTQ IHCEBI IHCLME IMBNOT IMPDEF INFCON INFENT INSPRE INSREQ INSRPT INTCHG IPPOAD "
    "IPPOMO ISENDS ITRRPT JAPRES JIBILL JINFDE JOBAPP JOBCON JOBMOD JOBOFF JUPREQ KEYMAN LAPWAS LREACT "
    "LRECLM MEDADR MEDPID MEDPRE MEDREQ MEDRPT MEDRUC MEQPOS MOVINS NOMINT NOMRES PASREQ PASRSP PAYDUC "
    "PAYEXT PERMIT POLSUB PRIHIS PROCST PRODEX PROINQ PROSRV PRPAID QALITY REBORD RECALC RECECO RECORD "
    "REGENT RELIST REPREM RESETT RESMSG RESREQ RESRSP RETACC RPCALL SAFHAZ SCHEDL SKDREQ SKDUPD SOCADE "
    "SSIMOD SSRECH SSREGW STLRPT SUPMAN SUPRES TIQREQ TIQRSP TRADES TRADIN TRAILS TRALOC TRAREQ VESDEP "
    "WASDIS WKGRRE "
)

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
GROUPS = {"810": "IN", "846": "IB", "850": "PO", "855": "PR", "856": "SH", "865": "CA", "940": "OW", "997": "FA"}


def x12_reason(kind: str) -> str:
    """Why nothing is done about this transaction set; empty for one X12 doesn't know."""
    return _reason(f"X12 {kind}", X12.get(kind, ""), WHY_NOT.get(kind, ""))


def edifact_reason(kind: str) -> str:
    what = EDIFACT.get(kind) or ("a message of the UN directory" if kind in _OTHERS else "")
    return _reason(f"EDIFACT {kind}", what, WHY_NOT_EDIFACT.get(kind, ""))


def _reason(kind: str, what: str, why: str) -> str:
    if not what:
        return ""
    return f"{kind} is {what}; {why or 'nothing in Backroom follows from one'}"
