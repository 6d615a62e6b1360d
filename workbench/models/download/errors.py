"""Why a download does not go on."""

from __future__ import annotations


class DownloadError(Exception):
    """A download does not go on; the message is for people."""


class StoppedError(DownloadError):
    """Somebody stopped it; what is there stays."""


class NoRoomError(DownloadError):
    """The disk has too little room; what is there stays."""


class WrongBytesError(DownloadError):
    """All bytes arrived, and they are not the ones that the Hub announces; they are gone."""


class DiskError(DownloadError):
    """The disk does not take what arrives; what is there stays."""
