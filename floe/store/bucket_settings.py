"""The settings of a bucket, apart from its code: every command reads configs."""

from typing import Literal

from floe.model.nouns import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSettings:
    """Where the bucket is. Credentials come from the environment, a profile or a role."""

    bucket: str
    endpoint: str = ""
    """The URL of an S3-compatible server; empty for AWS."""
    region: str = ""
    """Default: the environment's or the profile's, else us-east-1."""
    prefix: str = ""
    """The folder in the bucket; without slashes at its ends."""
    profile: str = ""
    """The profile of the AWS files; empty for `$AWS_PROFILE`, else the default."""
    addressing: Literal["path", "virtual"] | None = None
    """None: `path` with an endpoint, `virtual` at AWS."""
    ca: str = ""
    """A PEM file with certificates to trust, in addition to the system's."""

    copies_bytes: int = 1024**3
    """Bytes of outputs that stay on the host too."""

    @property
    def url(self) -> str:
        """For people: `s3://ci-runs/floe`."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")
