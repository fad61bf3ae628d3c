"""Where each field stands in Packet.layers, by the names that the readers of protocols use."""

from orchestrator.judging.packets.decode import AT

ICMP_TYPE, ICMP_CODE = AT["icmp.type"], AT["icmp.code"]
ICMPV6_TYPE, ICMPV6_CODE = AT["icmpv6.type"], AT["icmpv6.code"]
ARP_OPCODE, ARP_ASKER, ARP_TARGET = AT["arp.opcode"], AT["arp.src.proto_ipv4"], AT["arp.dst.proto_ipv4"]
DNS_ID, DNS_FLAGS, DNS_NAME, DNS_TYPE = AT["dns.id"], AT["dns.flags"], AT["dns.qry.name"], AT["dns.qry.type"]
DNS_COUNT, DNS_RECORD_TYPE = AT["dns.count.answers"], AT["dns.resp.type"]
HTTP_METHOD, HTTP_TARGET, HTTP_HOST = AT["http.request.method"], AT["http.request.uri"], AT["http.host"]
HTTP_STATUS, HTTP_PHRASE = AT["http.response.code"], AT["http.response.phrase"]
HTTP_LENGTH, HTTP_CHUNKS = AT["http.content_length_header"], AT["http.chunk_size"]
TLS_TYPE, TLS_NAME = AT["tls.handshake.type"], AT["tls.handshake.extensions_server_name"]
TLS_VERSION, TLS_VERSIONS = AT["tls.handshake.version"], AT["tls.handshake.extensions.supported_version"]
TLS_ALERT = AT["tls.alert_message.desc"]
CERT_ISSUER, CERT_SUBJECT = AT["x509if.rdnSequence"], AT["x509af.rdnSequence"]
CERT_OID, CERT_COUNTRY = AT["x509if.oid"], AT["x509sat.CountryName"]
CERT_CHOICE, CERT_UTF8 = AT["x509sat.DirectoryString"], AT["x509sat.uTF8String"]
CERT_PRINTABLE, CERT_NAMES = AT["x509sat.printableString"], AT["x509ce.dNSName"]
SQL_TYPE, SQL_NAMES, SQL_VALUES = AT["pgsql.type"], AT["pgsql.parameter_name"], AT["pgsql.parameter_value"]
SQL_QUERY, SQL_STATEMENT, SQL_PORTAL = AT["pgsql.query"], AT["pgsql.statement"], AT["pgsql.portal"]
SQL_AUTH, SQL_TAG, SQL_STATUS = AT["pgsql.authtype"], AT["pgsql.tag"], AT["pgsql.status"]
SQL_SEVERITY, SQL_CODE, SQL_MESSAGE = AT["pgsql.severity"], AT["pgsql.code"], AT["pgsql.message"]
SSH_LINE = AT["ssh.protocol"]
