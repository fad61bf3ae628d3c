"""A certificate authority that lives as long as one call: it signs what is asked for, and its key is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orchestrator.model.credentials import CertificateRequest, IssuedCertificate, KeyPair
from orchestrator.model.secret import Secret
from orchestrator.quick_dataclass import dataclass

# Clocks differ; what was just made must not be "not yet valid" anywhere.
EARLIER = timedelta(days=1)
LIFE = timedelta(days=90)
UNKNOWN = "An authority that nobody trusts"
UNKNOWN_BETWEEN = "An intermediate authority that nobody trusts"
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True)
class Authority:
    """A name and a key that signs; `certificate` is its own, signed by itself."""

    key: EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def text(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def authority(name: str, now: float, above: Authority | None = None) -> Authority:
    """A new authority of that name, signed by the one above it, or by itself: then one more may stand below it."""
    key = generate_private_key(SECP256R1())
    subject = _name(name)
    begun = datetime.fromtimestamp(now, UTC)
    issuer, signer = (above.certificate.subject, above.key) if above else (subject, key)
    built = _builder(subject, issuer, key, signer, begun - EARLIER, begun + LIFE)
    built = built.add_extension(x509.BasicConstraints(ca=True, path_length=0 if above else 1), critical=True)
    # Strict verifiers, Python 3.13's among them, want the usage said (RFC 5280, section 4.2.1.3).
    built = built.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    return Authority(key, built.sign(signer, SHA256()))


def issue_all(lab: str, wanted: tuple[CertificateRequest, ...], now: float) -> tuple[str, list[IssuedCertificate]]:
    """The certificate of the lab's authority, and all that is wanted; an intermediate authority where one is wanted."""
    roots = {True: authority(f"Authority of the lab {lab}", now), False: authority(UNKNOWN, now)}
    between = {
        trusted: authority(f"Intermediate authority of the lab {lab}" if trusted else UNKNOWN_BETWEEN, now, root)
        for trusted, root in roots.items()
        if any(request.intermediate and request.trusted == trusted for request in wanted)
    }
    issued = [issue(request, (between if request.intermediate else roots)[request.trusted], now) for request in wanted]
    return roots[True].text, [
        replace(certificate, intermediate=between[certificate.request.trusted].text)
        if certificate.request.intermediate
        else certificate
        for certificate in issued
    ]


def issue(request: CertificateRequest, by: Authority, now: float) -> IssuedCertificate:
    """A certificate for a server or a client, and its key; an expired one ended yesterday."""
    key = generate_private_key(SECP256R1())
    begun = datetime.fromtimestamp(now, UTC)
    ends = begun - EARLIER if request.expired else begun + LIFE
    starts = ends - LIFE if request.expired else begun - EARLIER
    built = _builder(_name(request.subject), by.certificate.subject, key, by.key, starts, ends)
    alternatives = [
        *map(x509.DNSName, request.names),
        *(x509.IPAddress(ip_address(address)) for address in request.addresses),
    ]
    built = built.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    built = built.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    built = built.add_extension(_usage("digital_signature", "key_encipherment"), critical=True)
    use = ExtendedKeyUsageOID.CLIENT_AUTH if request.client else ExtendedKeyUsageOID.SERVER_AUTH
    built = built.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    certificate = built.sign(by.key, SHA256()).public_bytes(Encoding.PEM).decode()
    return IssuedCertificate(request, certificate, Secret(private), ends.timestamp())


def key_pair(comment: str) -> KeyPair:
    """A new pair of Ed25519 keys, as ssh-keygen(1) would make it."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return KeyPair(Secret(private), f"{public} {comment}\n")


def _name(common: str) -> x509.Name:
    # A common name has 64 characters at most (RFC 5280, appendix A.1); what counts is the alternative name.
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "wirelab")
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: EllipticCurvePrivateKey,
    signer: EllipticCurvePrivateKey,
    starts: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    built = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), starts, ends)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    return built.add_extension(own, critical=False).add_extension(by, critical=False)


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in allowed for usage in USAGES})
