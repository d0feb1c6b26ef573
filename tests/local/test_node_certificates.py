"""The certificates of a cluster do what they are for, and nothing else."""

import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store

from local.node.certificates import Authority


def test_the_servers_certificate_holds_for_its_names_and_addresses(tmp_path: Path) -> None:
    authority = Authority()
    pair = authority.server("kube-apiserver", ["kubernetes.default.svc"], ["198.18.0.2", "10.96.0.1"])

    certificate = x509.load_pem_x509_certificate(pair.certificate.encode())
    store = Store([x509.load_pem_x509_certificate(authority.certificate.encode())])
    verifier = PolicyBuilder().store(store).build_server_verifier(x509.DNSName("kubernetes.default.svc"))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert certificate in verifier.verify(certificate, [])
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["198.18.0.2", "10.96.0.1"]


def test_a_clients_certificate_names_its_user_and_group_and_serves_nobody() -> None:
    pair = Authority().client("kube-apiserver-kubelet-client", "system:masters")

    certificate = x509.load_pem_x509_certificate(pair.certificate.encode())
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    [user] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    [group] = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    assert (user.value, group.value) == ("kube-apiserver-kubelet-client", "system:masters")
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_the_key_belongs_to_the_certificate(tmp_path: Path) -> None:
    authority, other = Authority(), Authority()
    pair, stranger = authority.client("one", "group"), other.client("one", "group")
    (tmp_path / "certificate").write_text(pair.certificate)
    (tmp_path / "key").write_text(pair.key)
    (tmp_path / "other").write_text(stranger.key)
    context = ssl.create_default_context()

    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with pytest.raises(ssl.SSLError):
        context.load_cert_chain(tmp_path / "certificate", tmp_path / "other")
