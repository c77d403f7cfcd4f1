"""Pulsar and Ignite as they are secured in production: TLS, tokens, passwords. All that is secret is made here."""

import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from snnlab.services import ignite, ports, process, pulsar
from snnlab.workflows.locate import bento_folder

RECIPES = bento_folder() / "services"
PULSAR = """
brokerServicePortTls=$TLS
webServicePortTls=$HTTPS
tlsCertificateFilePath=$CERTIFICATE
tlsKeyFilePath=$KEY
tlsTrustCertsFilePath=$CA
authenticationEnabled=true
authenticationProviders=org.apache.pulsar.broker.authentication.AuthenticationProviderToken
authorizationEnabled=true
superUserRoles=operator
tokenSecretKey=file://$SECRET
brokerClientAuthenticationPlugin=org.apache.pulsar.client.impl.auth.AuthenticationToken
brokerClientAuthenticationParameters=token:$TOKEN
brokerClientTlsEnabled=true
brokerClientTrustCertsFilePath=$CA
"""
IGNITE = """
    <property name="authenticationEnabled" value="true"/>
    <property name="clientConnectorConfiguration">
      <bean class="org.apache.ignite.configuration.ClientConnectorConfiguration">
        <property name="sslEnabled" value="true"/>
        <property name="useIgniteSslContextFactory" value="false"/>
        <property name="sslContextFactory">
          <bean class="org.apache.ignite.ssl.SslContextFactory">
            <property name="keyStoreType" value="PKCS12"/>
            <property name="keyStoreFilePath" value="%(store)s"/>
            <property name="keyStorePassword" value="%(password)s"/>
            <property name="trustManagers">
              <bean class="org.apache.ignite.ssl.SslContextFactory" factory-method="getDisabledTrustManager"/>
            </property>
          </bean>
        </property>
"""


def token_of(secret, role):
    """A JSON web token (RFC 7519) of a role, signed by HMAC-SHA256."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": role})]
    said = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mark = base64.urlsafe_b64encode(hmac.new(secret, said, hashlib.sha256).digest()).rstrip(b"=")
    return (said + b"." + mark).decode()


@dataclass(frozen=True)
class SecuredPulsar:
    url: str
    secret: bytes

    def token(self, role="operator"):
        return token_of(self.secret, role)


def own_software(servers, home, name, folder):
    """The software of the shared server, so that it is unpacked once."""
    if servers[name].by != "java":
        pytest.skip(f"Docker's {name} is not set up with TLS here")
    folder.mkdir(parents=True)
    (folder / "software").symlink_to(home / "services" / name / "software")


@pytest.fixture(scope="session")
def secured_pulsar(servers, services_home, tmp_path_factory, pem):
    """A Pulsar that speaks TLS and asks for a token."""
    folder, secret = tmp_path_factory.mktemp("secured") / "pulsar", secrets.token_bytes(32)
    own_software(servers, services_home, "pulsar", folder)
    recipe = folder / "recipe"
    recipe.mkdir()
    (recipe / "secret").write_bytes(secret)
    tls = ports.choose(pulsar.ADMIN_OFFSET + 11, wanted=6651)
    known = {"TLS": tls, "HTTPS": tls + 8443 - 6651, "CERTIFICATE": pem.certificate, "KEY": pem.key, "CA": pem.ca}
    known |= {"SECRET": recipe / "secret", "TOKEN": token_of(secret, "operator")}
    lines = (RECIPES / "pulsar" / "standalone.properties").read_text() + PULSAR
    for name, value in known.items():
        lines = lines.replace(f"${name}\n", f"{value}\n")
    (recipe / "standalone.properties").write_text(lines)
    server = pulsar.start(recipe, folder)
    try:
        waited(lambda: health(tls + 8443 - 6651, pem, token_of(secret, "operator")), server)
        yield SecuredPulsar(f"pulsar+ssl://127.0.0.1:{tls}", secret)
    finally:
        process.end(server.pid, server.folder)


def health(port, pem, token):
    import httpx

    try:
        answer = httpx.get(
            f"https://127.0.0.1:{port}/admin/v2/brokers/health",
            headers={"Authorization": f"Bearer {token}"},
            verify=str(pem.ca),
            timeout=30,
            trust_env=False,
        )
    except httpx.HTTPError:
        return False
    return answer.text.strip() == "ok"


@dataclass(frozen=True)
class SecuredIgnite:
    url: str
    password: str


@pytest.fixture(scope="session")
def secured_ignite(servers, services_home, tmp_path_factory, pem):
    """An Ignite that speaks TLS and asks for a password: that of the user ``snnlab``, made here."""
    folder = tmp_path_factory.mktemp("secured") / "ignite"
    own_software(servers, services_home, "ignite", folder)
    recipe, password = folder / "recipe", secrets.token_hex(16)
    recipe.mkdir()
    for name in ("pom.xml", "java.options"):
        (recipe / name).write_bytes((RECIPES / "ignite" / name).read_bytes())
    command = ["openssl", "pkcs12", "-export", "-in", str(pem.certificate), "-inkey", str(pem.key)]
    subprocess.run([*command, "-out", str(recipe / "store.p12"), "-passout", f"pass:{password}"], check=True)
    plain = (RECIPES / "ignite" / "ignite.xml").read_text()
    head, tail = plain.split('    <property name="clientConnectorConfiguration">\n', 1)
    _, tail = tail.split('ClientConnectorConfiguration">\n', 1)
    told = IGNITE.lstrip("\n") % {"store": recipe / "store.p12", "password": password}
    (recipe / "ignite.xml").write_text(head + told + tail)
    server = ignite.start(recipe, folder)
    try:
        waited(lambda: made_ready(server.port, pem, password), server)
        yield SecuredIgnite(f"ignite+ssl://127.0.0.1:{server.port}", password)
    finally:
        process.end(server.pid, server.folder)


def made_ready(port, pem, password):
    """Whether the cluster is active and has its user: who starts it for the first time sees to both."""
    from pyignite.cluster import ClusterState
    from pyignite.exceptions import ReconnectError

    from snnlab.stores.ignite.address import Address, IgniteSettings
    from snnlab.stores.ignite.tls import TlsClient

    if ports.is_free(port):
        return False
    settings = IgniteSettings(user="ignite", password="ignite", ca=pem.ca)  # as Ignite comes
    address = Address.of(f"ignite+ssl://127.0.0.1:{port}", settings)
    client = TlsClient(address, **address.client_options())
    try:
        with client.connect(list(address.nodes)):
            client.get_cluster().set_state(ClusterState.ACTIVE)
            client.sql(f"CREATE USER \"snnlab\" WITH PASSWORD '{password}'")
    except (OSError, ReconnectError):
        return False
    return True


def waited(healthy, server, seconds=200):
    until = time.monotonic() + seconds
    while not healthy():
        assert process.alive(server.pid, server.folder), process.tail(Path(server.log), 30)
        assert time.monotonic() < until, process.tail(Path(server.log), 30)
        time.sleep(0.3)
