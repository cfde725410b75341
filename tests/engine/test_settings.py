"""Settings: what the variables mean, and that each error names its variable and the mend."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from onceflow.engine.errors import SettingsError
from onceflow.engine.redact import masked
from onceflow.engine.settings import Settings, load_settings


def test_defaults() -> None:
    assert load_settings({}) == Settings()


def test_empty_is_not_set() -> None:
    env = {"ONCEFLOW_DSN": " ", "ONCEFLOW_PORT": "", "ONCEFLOW_PREFIX": "", "ONCEFLOW_LOG": ""}
    assert load_settings(env) == Settings()


def test_all_variables() -> None:
    settings = load_settings(
        {
            "ONCEFLOW_DSN": "postgresql://me@db:5433/flows",
            "ONCEFLOW_KAFKA": "a:9092,b:9093",
            "ONCEFLOW_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "ONCEFLOW_KAFKA_SSL_CA_LOCATION": "/ca.pem",
            "ONCEFLOW_TRANSPORT": "Postgres",
            "ONCEFLOW_PREFIX": "blue.flows",
            "ONCEFLOW_PARTITIONS": "12",
            "ONCEFLOW_HOST": "::1",
            "ONCEFLOW_PORT": "0",
            "ONCEFLOW_HOSTS": "Flows.example.com, *.example.org,[fe80::1]:3000",
            "ONCEFLOW_ROOT_PATH": "/flows/",
            "ONCEFLOW_TRACE_URL": "https://traces.example.com/trace/{trace_id}?tab=1",
            "ONCEFLOW_TRUSTED_PROXIES": "10.0.0.5, 10.1.0.0/16",
            "ONCEFLOW_METRIC_LABELS": "customer_tier, region,customer_tier,",
            "ONCEFLOW_SQL_SEARCH_PATH": 'sales,"Old Sales"',
            "ONCEFLOW_LEASE": "2.5",
            "ONCEFLOW_DATA": "/data",
            "ONCEFLOW_LOG": "DEBUG",
            "ONCEFLOW_LOG_FORMAT": "JSON",
            "ONCEFLOW_HTTP_ALLOW": "*.example.com:443, 10.0.0.0/8",
        }
    )
    assert settings.kafka_config() == {
        "bootstrap.servers": "a:9092,b:9093",
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": "/ca.pem",
    }
    assert settings.transport == "postgres"
    assert (settings.prefix, settings.partitions, settings.port) == ("blue.flows", 12, 0)
    assert (settings.lease, settings.data, settings.log) == (2.5, Path("/data"), "debug")
    assert settings.hosts == ("flows.example.com", "*.example.org", "[fe80::1]:3000")
    assert settings.sql_search_path == 'sales, "Old Sales"'
    assert settings.root_path == "/flows"
    assert settings.metric_labels == ("customer_tier", "region")
    assert settings.trusted_proxies == ("10.0.0.5", "10.1.0.0/16")
    assert load_settings(settings.environment()) == settings, "a child gets the same settings"


@pytest.mark.parametrize(
    ("name", "value", "mend"),
    [
        ("ONCEFLOW_PORT", "http", "a whole number from 0 to 65535"),
        ("ONCEFLOW_PORT", "70000", "a whole number from 0 to 65535"),
        ("ONCEFLOW_PARTITIONS", "0", "a whole number from 1"),
        ("ONCEFLOW_LEASE", "nan", "a number from 0.1"),
        ("ONCEFLOW_KAFKA", "localhost", "host:port"),
        ("ONCEFLOW_KAFKA", "a:1,b:x", "'b:x'"),
        ("ONCEFLOW_HOSTS", "https://flows.example.com", "address bar"),
        ("ONCEFLOW_HOSTS", "flows.example.com/x", "address bar"),
        ("ONCEFLOW_ROOT_PATH", "flows", "beginning with a slash"),
        ("ONCEFLOW_ROOT_PATH", "//evil.example", "beginning with a slash"),
        ("ONCEFLOW_ROOT_PATH", "/a/../b", "beginning with a slash"),
        ("ONCEFLOW_TRACE_URL", "https://traces.example.com", "{trace_id} in place of the id"),
        ("ONCEFLOW_TRACE_URL", "javascript:alert({trace_id})", "no template of a URL"),
        ("ONCEFLOW_TRACE_URL", "https://traces/{trace_id}/{span_id}", "no template of a URL"),
        ("ONCEFLOW_TRUSTED_PROXIES", "proxy.internal", "addresses or networks"),
        ("ONCEFLOW_TRUSTED_PROXIES", "10.0.0.1/8", "host bits"),
        ("ONCEFLOW_METRIC_LABELS", "tier,Region", "'Region': the name of a label"),
        ("ONCEFLOW_METRIC_LABELS", "a,b,c,d,e,f", "names 6 labels, and 5 are the most"),
        ("ONCEFLOW_SQL_SEARCH_PATH", "a b", "names of schemas"),
        ("ONCEFLOW_SQL_SEARCH_PATH", ",", "names of schemas"),
        ("ONCEFLOW_SQL_SEARCH_PATH", "public, OnceFlow", "own schema"),
        ("ONCEFLOW_SQL_SEARCH_PATH", '"onceflow"', "own schema"),
        ("ONCEFLOW_PREFIX", "my flows", "letters, digits"),
        ("ONCEFLOW_TRANSPORT", "pigeon", "kafka, postgres"),
        ("ONCEFLOW_LOG", "loud", "debug, info, warning, error"),
        ("ONCEFLOW_LOG_FORMAT", "xml", "text, json"),
        ("ONCEFLOW_HTTP_ALLOW", "10.0.0.0/40", "10.0.0.0/8"),
        ("ONCEFLOW_HTTP_ALLOW", "10.1.0.0/8", "has host bits set"),
        ("ONCEFLOW_HTTP_ALLOW", "example.com:70000", "from 1 to 65535"),
        ("ONCEFLOW_HTTP_ALLOW", "https://example.com", "'https://example.com'"),
        ("ONCEFLOW_DSN", "postgres//me:hush@db", "postgresql://user@host:5432/database"),
        ("ONCEFLOW_DSN", "postgresql://me:x@hush@db", "write %40 and %2F"),
        ("ONCEFLOW_DSN", "postgresql://me:x/hush@db", "write %40 and %2F"),
    ],
)
def test_errors_name_variable_and_mend(name: str, value: str, mend: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value})
    assert name in str(caught.value)
    assert mend in str(caught.value)
    assert "hush" not in str(caught.value), "no password in a message"


def test_a_password_that_stands_beside_the_dsn_is_taken_as_it_is() -> None:
    password = "p@ss/w'o\\rd 1%"
    for dsn in ("host=db dbname=flows user=me", "postgresql://me@db:5433/flows"):
        found = load_settings({"ONCEFLOW_DSN": dsn, "ONCEFLOW_DSN_PASSWORD": password}).dsn
        given = conninfo_to_dict(found)
        assert (given["password"], given["host"], given["user"]) == (password, "db", "me")
        assert password not in masked(f"failed: {password} was refused")
    dsn = "postgresql://me:own@db/flows"
    assert load_settings({"ONCEFLOW_DSN": dsn, "ONCEFLOW_DSN_PASSWORD": password}).dsn == dsn


def test_missing_servers_are_named() -> None:
    with pytest.raises(SettingsError, match="ONCEFLOW_DSN is not set"):
        Settings().require_dsn()
    with pytest.raises(SettingsError, match="ONCEFLOW_KAFKA is not set"):
        Settings().kafka_config()
    with pytest.raises(SettingsError, match="ONCEFLOW_TRANSPORT=postgres"):
        Settings(dsn="dbname=x").require_servers()
    Settings(dsn="dbname=x", transport="postgres").require_servers()
