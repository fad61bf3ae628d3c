"""A DNS server that knows nothing of www.far.lab itself, but who does (RFC 1034, 4.3.1). It answers one question."""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("", 53))
    asked, client = server.recvfrom(512)
    question = asked[12 : asked.index(b"\0", 12) + 5]
    # far.lab NS dns2.far.lab; dns2.far.lab A 192.168.231.20: a pointer 0xc010 leads behind `www` of the question
    authority = b"\xc0\x10\0\2\0\1\0\0\0\5\0\x07\4dns2\xc0\x10"
    additional = b"\4dns2\xc0\x10\0\1\0\1\0\0\0\5\0\4" + bytes([192, 168, 231, 20])
    server.sendto(asked[:2] + b"\x80\0\0\1\0\0\0\1\0\1" + question + authority + additional, client)
