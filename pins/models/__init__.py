from pins.models import called  # noqa: F401 - says what models and fields are called
from pins.models.activity import DoorEntry, LockActivity, StayArrival
from pins.models.attempt import PinAttempt
from pins.models.beat import BeatLease
from pins.models.claim import ValueClaim
from pins.models.grant import AccessGrant
from pins.models.guest import GuestGuide, GuestMessage, GuestPage, GuestPicture, GuestText
from pins.models.incident import Incident
from pins.models.measure import ArrivalRecord, Tally
from pins.models.notification import Delivery, IncidentNotice, NotificationChannel, StayNotice
from pins.models.operation import OBSERVE_ONLY, AccountState, Heartbeat, LockState, RateBudget, ScanPosition
from pins.models.pin import Pin
from pins.models.reveal import CodeTry, PinReveal
from pins.models.secret import InstallationKey
from pins.models.spare import SparePool
from pins.models.staff import FlatReady, StaffAccess
from pins.models.tokens import AccountTokens

__all__ = [
    "OBSERVE_ONLY",
    "AccessGrant",
    "AccountState",
    "AccountTokens",
    "ArrivalRecord",
    "BeatLease",
    "CodeTry",
    "Delivery",
    "DoorEntry",
    "FlatReady",
    "GuestGuide",
    "GuestMessage",
    "GuestPage",
    "GuestPicture",
    "GuestText",
    "Heartbeat",
    "Incident",
    "IncidentNotice",
    "InstallationKey",
    "LockActivity",
    "LockState",
    "NotificationChannel",
    "Pin",
    "PinAttempt",
    "PinReveal",
    "RateBudget",
    "ScanPosition",
    "SparePool",
    "StaffAccess",
    "StayArrival",
    "StayNotice",
    "Tally",
    "ValueClaim",
]
