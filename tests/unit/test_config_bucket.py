"""`store-type: ec2` and its `bucket`, as a host reads them."""

import pytest

from floe.config import Flags, HostConfig, load
from floe.model.errors import ConfigInvalid
from floe.store.bucket_settings import BucketSettings

GIB = 1024**3


def read(common: str, **flags: str) -> HostConfig:
    return load(Flags(**flags), {}, f"common: {{{common}}}", "c.yml")


def refusal(common: str) -> str:
    with pytest.raises(ConfigInvalid) as refused:
        read(common)
    return str(refused.value)


@pytest.mark.parametrize("type_", ["ec2", "s3"])
def test_bucket_is_read_with_its_defaults(type_: str) -> None:
    config = read(f"store-type: {type_}, bucket: {{name: ci-runs}}")

    assert config.store_type == "local"
    assert config.bucket == BucketSettings(bucket="ci-runs", copies_bytes=GIB)
    assert config.bucket.url == "s3://ci-runs"


@pytest.mark.parametrize("prefix", ["ci/floe", "/ci/floe", "ci/floe/", "//ci//floe//"])
def test_slashes_at_the_ends_of_a_prefix_mean_nothing(prefix: str) -> None:
    config = read(f"store-type: ec2, bucket: {{name: ci-runs, prefix: '{prefix}'}}")

    assert config.bucket is not None
    assert (config.bucket.prefix, config.bucket.url) == ("ci/floe", "s3://ci-runs/ci/floe")


def test_endpoint_ends_without_a_slash() -> None:
    config = read("store-type: ec2, bucket: {name: ci-runs, endpoint: 'https://minio:9000/'}")

    assert config.bucket is not None
    assert config.bucket.endpoint == "https://minio:9000"


def test_store_in_a_bucket_needs_the_bucket() -> None:
    assert "c.yml:1:22: error: `store-type: ec2` needs a `bucket`" in refusal("store-type: ec2")


def test_bucket_needs_a_name() -> None:
    assert "`bucket` needs `name`" in refusal("store-type: ec2, bucket: {prefix: floe}")


@pytest.mark.parametrize(
    "name", ["s3://ci-runs", "ci-runs/floe", "CI", "x", "arn:aws:s3:::ci-runs"]
)
def test_name_that_no_bucket_has_is_refused(name: str) -> None:
    assert f"`name` cannot be `{name}`" in refusal(f"store-type: ec2, bucket: {{name: '{name}'}}")


@pytest.mark.parametrize(
    "endpoint", ["minio:9000", "s3://ci-runs", "https://minio/ci-runs", "https://key:word@minio"]
)
def test_endpoint_that_is_no_server_is_refused(endpoint: str) -> None:
    said = refusal(f"store-type: ec2, bucket: {{name: ci-runs, endpoint: '{endpoint}'}}")

    assert "`endpoint` cannot be" in said
    assert "word" not in said


def test_misspelt_key_of_a_bucket_is_refused() -> None:
    assert "regoin" in refusal("store-type: ec2, bucket: {name: ci-runs, regoin: x}")


def test_bucket_over_an_open_network_needs_insecure() -> None:
    common = "store-type: ec2, bucket: {name: ci-runs, endpoint: 'http://minio:9000'}"

    assert "would travel unencrypted to http://minio:9000" in refusal(common)
    assert read(common, insecure="true").bucket is not None


def test_bucket_on_this_machine_needs_no_tls() -> None:
    common = "store-type: ec2, bucket: {name: ci-runs, endpoint: 'http://127.0.0.1:9000'}"

    assert read(common).bucket is not None


def test_bucket_that_is_not_used_is_a_warning() -> None:
    config = read("bucket: {name: ci-runs}")

    assert config.bucket is None
    assert [finding.what for finding in config.findings] == [
        "`bucket` is not used with `store-type: local`"
    ]
