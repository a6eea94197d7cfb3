"""The error of a use case that fails because of upstream."""

from kiwisms.domain.errors import KiwismsError


class ProviderFailed(KiwismsError):
    """
    Upstream could not be asked, or its answer made no sense; *detail* is for the log.

    The customer's money and idempotency key are as before.
    """

    code = "PROVIDER_ERROR"

    def __init__(self, what: str, detail: str) -> None:
        super().__init__(what)
        self.what, self.detail = what, detail
