"""Webhooks over HTTP, to nowhere but public addresses."""

from kiwisms.adapters.webhook_sender.sender import HttpWebhookSender

__all__ = ["HttpWebhookSender"]
