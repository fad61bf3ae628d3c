"""Rules that look at several places of a file at once: one small function each, in one table.

A rule gets the raw and yields violations. It must be tolerant: other parts of the file may be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orchestrator.reading.document import Violation
from orchestrator.reading.raw_scenario import RawScenario
from orchestrator.reading.rules import addresses, checks, files, names, records, references, resolving, routes, sockets

Rule = Callable[[RawScenario], Iterator[Violation]]

RULES: tuple[Rule, ...] = (
    names.domain_is_free,
    names.nodes_have_free_names,
    names.names_fit,
    names.replicas_have_free_names,
    references.nodes_are_there,
    references.networks_are_there,
    references.one_of_several_is_named,
    references.references_have_the_role,
    references.nothing_twice,
    references.not_oneself,
    references.no_circle,
    addresses.subnets_apart,
    addresses.one_network_for_an_address,
    addresses.replicas_choose_no_address,
    addresses.subnet_is_said,
    addresses.address_inside,
    addresses.address_once,
    routes.routers_join_networks,
    routes.routed_networks_have_no_ipv6,
    routes.routes_lead_somewhere,
    routes.cut_groups_are_apart,
    routes.cut_ipv6_is_there,
    records.domain_has_a_server,
    records.an_alias_stands_alone,
    records.nodes_keep_their_addresses,
    records.records_lead_somewhere,
    records.names_have_records,
    records.owners_stand_inside,
    records.names_are_no_addresses,
    records.aliases_end,
    records.servers_have_names_of_their_own,
    records.record_addresses_are_nodes,
    records.delegated_parts_are_served,
    records.nothing_below_a_delegation,
    records.a_server_takes_the_records,
    resolving.hints_name_the_root,
    resolving.a_resolver_has_one_way,
    resolving.forwarding_ends,
    resolving.answers_make_sense,
    resolving.names_can_be_asked,
    resolving.names_are_told,
    resolving.ttl_says_a_range,
    resolving.before_has_a_fault,
    resolving.changed_records_have_a_zone,
    resolving.changed_records_can_be_told,
    checks.names_once,
    checks.one_fault_at_a_time,
    checks.placeholders_name_something,
    checks.hosts_are_there,
    checks.hosts_have_a_form,
    checks.the_asker_runs,
    checks.one_thing_is_expected,
    checks.programs_have_names,
    checks.somebody_resolves,
    checks.sql_has_a_database,
    checks.sql_has_a_password,
    checks.server_listens,
    checks.part_says_something,
    checks.takes_says_a_range,
    checks.several_requests_fit,
    sockets.listens_says_something,
    sockets.a_socket_has_a_port,
    sockets.bound_where_the_node_is,
    sockets.port_zero_is_free,
    sockets.listeners_are_served,
    sockets.tls_is_over_tcp,
    sockets.a_proxy_is_understood,
    sockets.a_certificate_has_its_names,
    sockets.a_port_is_bound_once,
    sockets.privileged_ports_are_free,
    files.files_are_there,
)
