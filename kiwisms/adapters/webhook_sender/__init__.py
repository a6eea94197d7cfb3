"""Webhooks over HTTP, sent to public addresses only."""

from kiwisms.adapters.webhook_sender.sender import HttpWebhookSender

__all__ = ["HttpWebhookSender"]
