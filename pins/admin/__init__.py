"""What the admin shows of door codes: the bookings with their locks, and what support needs to see."""

from pins.admin.booking import BookingAdmin
from pins.admin.channel import NotificationChannelAdmin
from pins.admin.delivery import DeliveryAdmin
from pins.admin.guide import GuestGuideAdmin
from pins.admin.incident import IncidentAdmin
from pins.admin.lock import LockAccountWithFetchAdmin, LockWithCodesAdmin
from pins.admin.own_code_list import CodeTryAdmin
from pins.admin.property import PropertyWithStaysAdmin
from pins.admin.reveal_list import PinRevealAdmin
from pins.admin.staff import StaffAccessAdmin
from pins.admin.support import AccessGrantAdmin, PinAdmin

__all__ = [
    "AccessGrantAdmin",
    "BookingAdmin",
    "CodeTryAdmin",
    "DeliveryAdmin",
    "GuestGuideAdmin",
    "IncidentAdmin",
    "LockAccountWithFetchAdmin",
    "LockWithCodesAdmin",
    "NotificationChannelAdmin",
    "PinAdmin",
    "PinRevealAdmin",
    "PropertyWithStaysAdmin",
    "StaffAccessAdmin",
]
