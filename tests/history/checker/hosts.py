"""Hosts: network namespaces, each with one device to the others and one to the clients."""

import subprocess

import wire

MTU = "9000"


def address(number):
    """Where the other members reach a member."""
    return f"10.77.0.{number + 1}"


def client_address(number):
    """Where clients reach it, whatever becomes of the network between the members."""
    return f"10.78.{number}.2"


def make(count, seed):
    """Makes the hosts h0, h1, … and the wire between them."""
    return wire.Wire([_make(number) for number in range(count)], seed)


def _make(number):
    host, near, far, members = f"h{number}", f"near{number}", f"far{number}", f"members{number}"
    file = wire.device(members)
    _ip("netns", "add", host)
    _ip("link", "set", members, "netns", host)
    _ip("link", "add", near, "type", "veth", "peer", "name", far)
    _ip("link", "set", far, "netns", host)
    _ip("address", "add", f"10.78.{number}.1/24", "dev", near)
    _ip("link", "set", near, "up")
    _ip("-n", host, "link", "set", "lo", "up")
    _ip("-n", host, "address", "add", f"{client_address(number)}/24", "dev", far)
    _ip("-n", host, "link", "set", far, "up")
    _ip("-n", host, "address", "add", f"{address(number)}/24", "dev", members)
    _ip("-n", host, "link", "set", members, "mtu", MTU, "up")
    return file


def at(number):
    """What goes before a command that is to run on a host."""
    return ["ip", "netns", "exec", f"h{number}"]


def _ip(*words):
    subprocess.run(["ip", *words], check=True)
