"""What the channels call things, one entry for each language. Pure data, read by `phrases`.

Case and diacritics do not matter. Where one word is part of another ("booking", "booking request"), the longer one
counts.
"""

# ruff: noqa: RUF001 - Turkish has a dotless i
from __future__ import annotations

from typing import Final

from rentals.calendars.classify.vocabulary import Vocabulary

VOCABULARIES: Final[dict[str, Vocabulary]] = {
    "en": Vocabulary(
        stay="reserved|reservation|booked|booking|confirmed|confirmed booking|confirmed reservation|guest stay",
        block="blocked|block|blocked off|blocked out|block off|blocked date|blocked dates|blocked period|manual block"
        "|imported block|do not rent|manual closure|owner's block|blocked-off time|airbnb blocked|hostfully block"
        "|manually blocked|calendar block|calendar blocked|auto block|auto blocked|host block|host blocked"
        "|date blocked|dates blocked|booking blocked|unavailable|not available|unavailability|no availability"
        "|currently unavailable|not bookable|unbookable|do not book|don't book|not for rent|off market|offline"
        "|out of service|out of order|closed|closed out|closed off|closure|closing|temporarily closed|seasonal closure"
        "|season closed|stop sell|stop sale|stop sales|blackout|blackout date|blackout dates|booking window"
        "|booking window block|advance notice|advance notice block|preparation time|prep time|buffer|buffer time"
        "|turnover|turnover day|gap night|maintenance|maintenance block|maintenance work|under maintenance|repair"
        "|repairs|renovation|renovations|renovating|refurbishment|construction|inspection|cleaning|housekeeping"
        "|deep clean|deep cleaning|owner|owner's|owners|owner stay|owner's stay|owner block|owner blocked|owner hold"
        "|owner use|owner's use|owner time|owner visit|owner booking|owner reservation|owner occupied|owner occupancy"
        "|blocked by owner|host stay|personal use|personal stay|private use|own use|family use|staff use|house use",
        tentative="tentative|tentative booking|tentative reservation|tentatively|provisional|provisional booking"
        "|provisionally|provisionally booked|preliminary|unconfirmed|not confirmed|not confirmed yet|to be confirmed"
        "|tbc|awaiting confirmation|awaiting payment|payment pending|awaiting approval|awaiting|pending"
        "|pending booking|pending reservation|pending request|pending payment|pending approval|option|optional booking"
        "|on option|hold|hold for|held|held for|on hold|holding|soft hold|request|requested|booking request"
        "|reservation request|request to book|inquiry|enquiry|booking inquiry|booking enquiry|quote|quotation"
        "|pre-approved|pre-approval|waitlist|waiting list",
        marker="check-in|checkin|check in|check-out|checkout|check out|arrival|departure",
        cancelled="cancelled|canceled|cancellation|booking cancelled|booking canceled|reservation cancelled"
        "|reservation canceled|cancelled booking|canceled booking|cancelled reservation|canceled reservation",
    ),
    "de": Vocabulary(
        stay="reserviert|reservierung|reservation|gebucht|buchung|bestätigt|bestätigte buchung|gästebuchung",
        block="blockiert|blockierung|geblockt|block|gesperrt|sperre|sperrung|sperrzeit|manuell gesperrt"
        "|manuelle sperre|manuelle blockierung|manuell blockiert|nicht verfügbar|nicht verfuegbar|nicht buchbar"
        "|nicht vermietbar|nicht frei|geschlossen|schliessung|betriebsferien|betriebsurlaub|saisonpause|ruhetag"
        "|wartung|wartungsarbeiten|instandhaltung|reparatur|reparaturen|renovierung|sanierung|umbau|handwerker"
        "|reinigung|endreinigung|putzen|eigenbelegung|eigenbedarf|eigennutzung|eigentümer|eigentümerbelegung"
        "|eigentümeraufenthalt|eigentümernutzung|eigentümerbuchung|besitzer|besitzernutzung|vermieter|privatnutzung"
        "|private nutzung|selbstnutzung|ausser betrieb|pufferzeit|vorlaufzeit|buchungsfenster",
        tentative="vorläufig|vorläufige buchung|vorläufige reservierung|provisorisch|unter vorbehalt|unbestätigt"
        "|nicht bestätigt|noch nicht bestätigt|ausstehend|option|optional|optionsbuchung|vorreserviert|vorgemerkt"
        "|vorreservierung|anfrage|buchungsanfrage|reservierungsanfrage|angefragt|angebot|warteliste",
        marker="anreise|abreise|ankunft|einchecken|auschecken",
        cancelled="storniert|stornierung|stornierte buchung|annulliert|abgesagt",
    ),
    "fr": Vocabulary(
        stay="réservé|réservée|réservés|réservation|réservation confirmée|confirmé|confirmée|séjour",
        block="bloqué|bloquée|bloqués|blocage|blocage manuel|date bloquée|dates bloquées|indisponible|indisponibles"
        "|indisponibilité|non disponible|pas disponible|non réservable|fermé|fermée|fermeture|fermeture annuelle"
        "|fermeture saisonnière|maintenance|entretien|travaux|réparation|réparations|rénovation|ménage|nettoyage"
        "|propriétaire|séjour propriétaire|réservation propriétaire|usage propriétaire|usage personnel|usage privé"
        "|occupation propriétaire|hors service|délai de préparation|ne pas réserver",
        tentative="provisoire|réservation provisoire|provisoirement|à confirmer|non confirmé|non confirmée|en attente"
        "|réservation en attente|en option|option|pré-réservation|pré-réservé|préréservation|demande|pré-réservée"
        "|préréservé|préréservée|demande de réservation|demande en cours|devis|liste d'attente",
        marker="arrivée|départ|entrée|sortie",
        cancelled="annulé|annulée|annulation|réservation annulée",
    ),
    "es": Vocabulary(
        stay="reservado|reservada|reserva|reservación|reserva confirmada|confirmado|confirmada",
        block="bloqueado|bloqueada|bloqueo|bloqueo manual|bloqueados|fecha bloqueada|fechas bloqueadas|no disponible"
        "|indisponible|no reservable|cerrado|cerrada|cierre|cierre temporal|mantenimiento|en mantenimiento|obras"
        "|reparación|reparaciones|reforma|reformas|limpieza|propietario|propietaria|estancia del propietario"
        "|estancia propietario|reserva del propietario|uso del propietario|uso propietario|uso propio|uso personal"
        "|uso privado|dueño|fuera de servicio|no reservar",
        tentative="provisional|reserva provisional|tentativo|tentativa|pendiente|reserva pendiente|sin confirmar"
        "|no confirmado|no confirmada|por confirmar|reserva por confirmar|pendiente de confirmación|pendiente de pago"
        "|opción|en opción|prerreserva|pre-reserva|solicitud|solicitud de reserva|petición|consulta|presupuesto"
        "|en espera|lista de espera",
        marker="llegada|salida|entrada",
        cancelled="cancelado|cancelada|cancelación|reserva cancelada|anulado|anulada",
    ),
    "it": Vocabulary(
        stay="riservato|riservata|prenotato|prenotata|prenotazione|prenotazione confermata|confermato|confermata",
        block="bloccato|bloccata|blocco|blocco manuale|data bloccata|date bloccate|non disponibile|indisponibile"
        "|non prenotabile|chiuso|chiusa|chiusura|chiusura stagionale|manutenzione|in manutenzione|lavori|riparazione"
        "|riparazioni|ristrutturazione|pulizia|pulizie|proprietario|proprietaria|soggiorno proprietario"
        "|soggiorno del proprietario|uso proprietario|uso personale|uso privato|uso proprio|fuori servizio"
        "|non prenotare",
        tentative="provvisorio|provvisoria|prenotazione provvisoria|in attesa|in attesa di conferma"
        "|in attesa di pagamento|da confermare|non confermato|non confermata|opzione|opzionato|in opzione|richiesta"
        "|richiesta di prenotazione|preventivo|lista d'attesa",
        marker="arrivo|partenza|ingresso|uscita",
        cancelled="annullato|annullata|cancellato|cancellata|cancellazione|prenotazione cancellata"
        "|prenotazione annullata",
    ),
    "pt": Vocabulary(
        stay="reservado|reservada|reserva|reserva confirmada|confirmado|confirmada",
        block="bloqueado|bloqueada|bloqueio|bloqueio manual|data bloqueada|datas bloqueadas|indisponível"
        "|não disponível|não reservável|fechado|fechada|encerrado|encerrada|encerramento|fecho|manutenção"
        "|em manutenção|obras|reparação|reparações|reparo|reforma|remodelação|limpeza|proprietário|proprietária"
        "|estadia do proprietário|reserva do proprietário|uso do proprietário|uso próprio|uso pessoal|uso privado|dono"
        "|fora de serviço|não reservar",
        tentative="provisório|provisória|reserva provisória|pendente|reserva pendente|por confirmar|a confirmar"
        "|não confirmado|não confirmada|aguardando confirmação|aguardando pagamento|opção|em opção|pré-reserva|pedido"
        "|pedido de reserva|solicitação|consulta|orçamento|em espera|lista de espera",
        marker="chegada|saída|partida|entrada",
        cancelled="cancelado|cancelada|cancelamento|reserva cancelada|anulado|anulada",
    ),
    "nl": Vocabulary(
        stay="gereserveerd|reservering|geboekt|boeking|bevestigd|bevestigde boeking",
        block="geblokkeerd|blokkade|blokkering|geblokkeerde periode|niet beschikbaar|onbeschikbaar|niet boekbaar"
        "|gesloten|sluiting|onderhoud|onderhoudswerkzaamheden|reparatie|reparaties|renovatie|verbouwing|schoonmaak"
        "|eigenaar|verblijf eigenaar|eigenarenverblijf|eigen gebruik|privégebruik|persoonlijk gebruik|buiten gebruik"
        "|buiten dienst|niet boeken",
        tentative="voorlopig|voorlopige boeking|voorlopige reservering|optie|in optie|onder voorbehoud|onbevestigd"
        "|niet bevestigd|nog niet bevestigd|in afwachting|in behandeling|aanvraag|boekingsaanvraag"
        "|reserveringsaanvraag|verzoek|boekingsverzoek|offerte|wachtlijst",
        marker="aankomst|vertrek|inchecken|uitchecken",
        cancelled="geannuleerd|annulering",
    ),
    "pl": Vocabulary(
        stay="zarezerwowane|zarezerwowany|zarezerwowana|zarezerwowano|rezerwacja|rezerwacja potwierdzona|potwierdzona"
        "|potwierdzone|potwierdzony",
        block="zablokowane|zablokowany|zablokowana|zablokowano|blokada|niedostępne|niedostępny|niedostępna"
        "|brak dostępności|nieczynne|zamknięte|zamknięty|zamknięta|zamknięcie|konserwacja|przerwa techniczna|remont"
        "|naprawa|naprawy|prace|sprzątanie|właściciel|pobyt właściciela|rezerwacja właściciela|użytek własny"
        "|na własny użytek|wyłączone|wyłączone ze sprzedaży|nie rezerwować",
        tentative="wstępna|wstępna rezerwacja|wstępnie|rezerwacja wstępna|niepotwierdzone|niepotwierdzona"
        "|niepotwierdzony|niepotwierdzona rezerwacja|oczekuje|oczekujące|oczekująca|oczekuje na potwierdzenie"
        "|oczekuje na płatność|do potwierdzenia|opcja|zapytanie|zapytanie o rezerwację|prośba o rezerwację|oferta"
        "|lista oczekujących",
        marker="przyjazd|wyjazd|zameldowanie|wymeldowanie",
        cancelled="anulowane|anulowana|anulowany|anulowano|odwołane|odwołana|rezerwacja anulowana",
    ),
    "cs": Vocabulary(
        stay="rezervováno|rezervovaný|rezervovaná|rezervace|obsazeno hostem|potvrzeno|potvrzená rezervace",
        block="blokováno|zablokováno|blokace|blokace termínu|nedostupné|nedostupný|není k dispozici|nelze rezervovat"
        "|zavřeno|uzavřeno|uzavření|údržba|oprava|opravy|rekonstrukce|renovace|úklid|majitel|pobyt majitele|vlastník"
        "|vlastní potřeba|vlastní užití|soukromé užití|mimo provoz",
        tentative="předběžná|předběžné|předběžná rezervace|předběžně|nepotvrzeno|nepotvrzená|nepotvrzená rezervace"
        "|čeká|čeká na potvrzení|čeká na platbu|opce|poptávka|žádost|žádost o rezervaci|nabídka",
        marker="příjezd|odjezd",
        cancelled="zrušeno|zrušená|zrušená rezervace|stornováno|storno",
    ),
    "sv": Vocabulary(
        stay="reserverad|reserverat|reservation|bokad|bokat|bokning|bekräftad|bekräftad bokning",
        block="blockerad|blockerat|blockering|spärrad|spärrat|spärr|inte tillgänglig|ej tillgänglig|otillgänglig"
        "|inte bokningsbar|ej bokningsbar|stängd|stängt|stängning|underhåll|reparation|renovering|städning|städ|ägare"
        "|ägarvistelse|ägarens vistelse|egen användning|eget bruk|privat bruk|ur drift",
        tentative="preliminär|preliminärt|preliminär bokning|preliminärbokad|preliminärbokning|obekräftad|ej bekräftad"
        "|inte bekräftad|väntar|väntande|avvaktar|väntar på bekräftelse|option|förfrågan|bokningsförfrågan|offert"
        "|väntelista",
        marker="ankomst|avresa|incheckning|utcheckning",
        cancelled="avbokad|avbokat|avbokning|inställd",
    ),
    "da": Vocabulary(
        stay="reserveret|reservation|booket|booking|bekræftet|bekræftet booking",
        block="blokeret|blokering|spærret|spærring|ikke tilgængelig|ikke ledig|utilgængelig|lukket|lukning"
        "|vedligeholdelse|vedligehold|reparation|renovering|rengøring|ejer|ejers ophold|ejerophold|eget brug|egen brug"
        "|privat brug|ude af drift",
        tentative="foreløbig|foreløbig booking|foreløbig reservation|ubekræftet|ikke bekræftet|afventer"
        "|afventer bekræftelse|option|forespørgsel|bookingforespørgsel|anmodning|bookinganmodning|tilbud|venteliste",
        marker="ankomst|afrejse|indtjekning|udtjekning",
        cancelled="annulleret|aflyst|afbestilt",
    ),
    "nb": Vocabulary(
        stay="reservert|reservasjon|booket|bestilt|bestilling|bekreftet|bekreftet bestilling",
        block="blokkert|blokkering|sperret|sperring|ikke tilgjengelig|utilgjengelig|ikke ledig|stengt|stenging"
        "|vedlikehold|reparasjon|oppussing|renovering|renhold|rengjøring|vask|eier|eiers opphold|eieropphold|egen bruk"
        "|eget bruk|privat bruk|ute av drift",
        tentative="foreløpig|foreløpig bestilling|foreløpig reservasjon|ubekreftet|ikke bekreftet|avventer"
        "|venter på bekreftelse|opsjon|forespørsel|bestillingsforespørsel|tilbud|venteliste",
        marker="ankomst|avreise|innsjekking|utsjekking",
        cancelled="avbestilt|kansellert|avlyst",
    ),
    "fi": Vocabulary(
        stay="varattu|varaus|vahvistettu|vahvistettu varaus",
        block="estetty|esto|suljettu|sulku|ei saatavilla|ei käytettävissä|ei varattavissa|ei vapaana|huolto"
        "|kunnossapito|korjaus|remontti|siivous|omistaja|omistajan oleskelu|omistajan varaus|omistajan käyttö"
        "|oma käyttö|yksityiskäyttö|pois käytöstä",
        tentative="alustava|alustava varaus|alustavasti|vahvistamaton|vahvistamatta|ei vahvistettu|odottaa|odottava"
        "|odottaa vahvistusta|optio|tiedustelu|varauspyyntö|pyyntö|tarjous|jonotuslista",
        marker="saapuminen|lähtö|tulo|sisäänkirjautuminen|uloskirjautuminen",
        cancelled="peruttu|peruutettu|peruutus",
    ),
    "el": Vocabulary(
        stay="κρατημένο|κρατήθηκε|κράτηση|επιβεβαιωμένη|επιβεβαιωμένη κράτηση",
        block="αποκλεισμένο|αποκλεισμένες|μπλοκαρισμένο|μη διαθέσιμο|μη διαθέσιμη|δεν είναι διαθέσιμο|κλειστό|κλειστά"
        "|συντήρηση|επισκευή|επισκευές|ανακαίνιση|καθαρισμός|καθαριότητα|ιδιοκτήτης|διαμονή ιδιοκτήτη|ιδιόχρηση"
        "|προσωπική χρήση|εκτός λειτουργίας",
        tentative="προσωρινή|προσωρινό|προσωρινή κράτηση|ανεπιβεβαίωτη|σε αναμονή|εκκρεμεί|αναμονή επιβεβαίωσης|αίτημα"
        "|αίτημα κράτησης|προσφορά",
        marker="άφιξη|αναχώρηση",
        cancelled="ακυρώθηκε|ακυρωμένη|ακύρωση",
    ),
    "hu": Vocabulary(
        stay="foglalt|lefoglalva|foglalás|visszaigazolt foglalás|megerősítve",
        block="blokkolva|blokkolt|zárolva|zárolt|zárolás|nem elérhető|nem foglalható|zárva|bezárva|lezárva"
        "|karbantartás|javítás|felújítás|takarítás|tulajdonos|tulajdonosi tartózkodás|saját használat"
        "|saját használatra|magánhasználat|üzemen kívül",
        tentative="ideiglenes|ideiglenes foglalás|előzetes|előfoglalás|nem megerősített|megerősítésre vár|függőben"
        "|opció|opciós|érdeklődés|ajánlatkérés|foglalási kérelem|kérelem|várólista",
        marker="érkezés|távozás|bejelentkezés|kijelentkezés",
        cancelled="törölve|törölt|lemondva|lemondott|lemondás",
    ),
    "ro": Vocabulary(
        stay="rezervat|rezervată|rezervare|rezervare confirmată|confirmat|confirmată",
        block="blocat|blocată|blocare|indisponibil|indisponibilă|nu este disponibil|închis|închisă|închidere"
        "|mentenanță|întreținere|reparații|reparație|renovare|curățenie|proprietar|sejur proprietar|uz personal"
        "|uz propriu|uz privat|scos din uz",
        tentative="provizoriu|provizorie|rezervare provizorie|neconfirmat|neconfirmată|în așteptare|de confirmat"
        "|opțiune|cerere|cerere de rezervare|solicitare|ofertă",
        marker="sosire|plecare",
        cancelled="anulat|anulată|anulare|rezervare anulată",
    ),
    "hr": Vocabulary(
        stay="rezervirano|rezerviran|rezervacija|potvrđeno|potvrđena rezervacija",
        block="blokirano|blokiran|blokada|nedostupno|nedostupan|nije dostupno|zatvoreno|zatvaranje|održavanje|popravak"
        "|popravci|renovacija|adaptacija|čišćenje|vlasnik|boravak vlasnika|vlastita upotreba|osobna upotreba"
        "|privatna upotreba|izvan upotrebe",
        tentative="privremeno|privremena rezervacija|nepotvrđeno|nepotvrđena|na čekanju|čeka potvrdu|opcija|upit"
        "|zahtjev|zahtjev za rezervaciju|ponuda",
        marker="dolazak|odlazak",
        cancelled="otkazano|otkazana|otkazana rezervacija|stornirano",
    ),
    "sk": Vocabulary(
        stay="rezervované|rezervovaný|rezervovaná|rezervácia|potvrdené|potvrdená rezervácia",
        block="blokované|zablokované|blokácia|nedostupné|nedostupný|nie je k dispozícii|nie je dostupné"
        "|nemožno rezervovať|zatvorené|uzavreté|údržba|oprava|opravy|rekonštrukcia|renovácia|upratovanie|majiteľ"
        "|pobyt majiteľa|vlastník|vlastná potreba|vlastné použitie|súkromné použitie|mimo prevádzky",
        tentative="predbežná|predbežné|predbežná rezervácia|predbežne|nepotvrdené|nepotvrdená|nepotvrdená rezervácia"
        "|čaká|čaká na potvrdenie|čaká na platbu|opcia|dopyt|žiadosť|žiadosť o rezerváciu|ponuka",
        marker="príchod|odchod",
        cancelled="zrušené|zrušená|zrušená rezervácia|stornované",
    ),
    "bg": Vocabulary(
        stay="резервирано|резервиран|резервация|потвърдена резервация|потвърдено",
        block="блокирано|блокиран|недостъпно|недостъпен|не е налично|няма наличност|затворено|затворен|поддръжка"
        "|ремонт|почистване|собственик|престой на собственика|лично ползване|извън експлоатация",
        tentative="предварителна|предварителна резервация|непотвърдено|непотвърдена|изчакване|изчаква потвърждение"
        "|опция|запитване|заявка|заявка за резервация|оферта",
        marker="пристигане|заминаване|настаняване|напускане",
        cancelled="отменено|отменена|анулирано|анулирана|анулирана резервация",
    ),
    "uk": Vocabulary(
        stay="заброньовано|бронювання|підтверджене бронювання|підтверджено",
        block="заблоковано|недоступно|недоступний|немає в наявності|зачинено|закрито|обслуговування|техобслуговування"
        "|ремонт|прибирання|власник|проживання власника|особисте користування|не бронювати",
        tentative="попереднє бронювання|попередньо|не підтверджено|непідтверджено|очікує|очікує підтвердження"
        "|очікує оплати|опція|запит|запит на бронювання|заявка",
        marker="заїзд|виїзд|прибуття|від'їзд",
        cancelled="скасовано|скасоване|скасоване бронювання",
    ),
    "ru": Vocabulary(
        stay="забронировано|забронирован|бронь|бронирование|подтверждено|подтверждённое бронирование",
        block="заблокировано|заблокирован|блокировка|недоступно|недоступен|не доступно|нет в наличии|закрыто|закрыт"
        "|закрытие|обслуживание|техобслуживание|ремонт|уборка|собственник|владелец|проживание владельца"
        "|личное использование|для собственных нужд|не бронировать",
        tentative="предварительно|предварительная бронь|предварительное бронирование|не подтверждено|неподтверждено"
        "|ожидает|ожидает подтверждения|ожидает оплаты|в ожидании|опция|запрос|запрос на бронирование|заявка",
        marker="заезд|выезд|прибытие|отъезд",
        cancelled="отменено|отменён|отмена|бронирование отменено",
    ),
    "tr": Vocabulary(
        stay="rezerve|rezerve edildi|rezervasyon|onaylı rezervasyon|onaylandı",
        block="bloke|bloke edildi|engellendi|engelli tarih|kapatıldı|müsait değil|uygun değil|kullanılamaz|kapalı"
        "|bakım|bakımda|onarım|tamirat|tadilat|yenileme|temizlik|mülk sahibi|ev sahibi|sahip konaklaması"
        "|kişisel kullanım|özel kullanım|hizmet dışı",
        tentative="geçici|geçici rezervasyon|ön rezervasyon|onaylanmadı|onay bekliyor|beklemede|ödeme bekleniyor"
        "|opsiyon|opsiyonlu|talep|rezervasyon talebi|teklif",
        marker="giriş|çıkış|varış",
        cancelled="iptal|iptal edildi",
    ),
    "ja": Vocabulary(
        stay="予約済み|予約済|予約|予約確定|予約あり",
        block="ブロック|ブロック済み|ブロック中|予約不可|利用不可|空室なし|販売停止|手仕舞い|休業|休館|閉鎖|クローズ"
        "|メンテナンス|点検|修理|工事|清掃|オーナー|オーナー利用|オーナー滞在|自己利用",
        tentative="仮予約|仮押さえ|保留|保留中|未確定|確認待ち|承認待ち|支払い待ち|予約リクエスト|リクエスト"
        "|問い合わせ",
        marker="チェックイン|チェックアウト",
        cancelled="キャンセル|キャンセル済み|取消|取り消し",
    ),
    "zh": Vocabulary(
        stay="已预订|已预定|预订|预定|已訂|已預訂|預訂|已确认|已確認",
        block="已屏蔽|屏蔽|已封锁|已封鎖|封锁|封鎖|不可用|不可订|不可訂|不可预订|不可預訂|无法预订|無法預訂|无法使用"
        "|無法使用|关闭|關閉|已关闭|已關閉|停售|关房|關房|维护|維護|维修|維修|装修|裝修|清洁|清潔|打扫|打掃|业主|業主"
        "|房东自用|房東自用|自用|业主自用|業主自用",
        tentative="暂定|暫定|待确认|待確認|待定|待付款|未确认|未確認|预订请求|預訂請求|预订申请|預訂申請|询价|詢價"
        "|咨询|諮詢|保留",
        marker="入住|退房",
        cancelled="已取消|取消",
    ),
    "ko": Vocabulary(
        stay="예약됨|예약|예약 완료|예약완료|예약 확정|예약확정",
        block="차단|차단됨|예약 차단|예약 불가|예약불가|이용 불가|이용불가|사용 불가|판매 중지|마감|휴무|휴업|폐쇄"
        "|유지보수|점검|수리|공사|청소|호스트 사용|소유자|소유자 사용|개인 사용",
        tentative="가예약|임시 예약|대기|대기 중|보류|보류 중|미확정|확인 대기|승인 대기|결제 대기|예약 요청|문의",
        marker="체크인|체크아웃|입실|퇴실",
        cancelled="취소|취소됨|예약 취소",
    ),
}
