/**
 * Socket addresses: every form survives the way into bytes and back, and what is no address is refused before a system
 * call could misread it.
 */
import test from 'ava'
import type { Address } from '../../../kernel/driver/contract.js'
import { canonicalHost, formatIPv6, ipFamily, parseIPv4, parseIPv6 } from '../../../kernel/protocol/address.js'
import { LINUX } from '../../../native/linux/constants.js'
import { ADDRESS_BYTES, decodeAddress, encodeAddress } from '../../../native/posix/sockaddr.js'

const bytes = new Uint8Array(ADDRESS_BYTES)

function roundTrip(address: Address): Address | null {
  bytes.fill(0xee)
  return decodeAddress(LINUX, bytes, encodeAddress(LINUX, address, bytes))
}

test('addresses survive the way to bytes and back', (t) => {
  const addresses: Address[] = [
    { family: 'ipv4', host: '127.0.0.1', port: 8080 },
    { family: 'ipv4', host: '255.0.255.1', port: 65535 },
    { family: 'ipv6', host: '::', port: 0 },
    { family: 'ipv6', host: '::1', port: 1 },
    { family: 'ipv6', host: 'fe80::1', port: 443, scopeId: 4_000_000_002 },
    { family: 'ipv6', host: '::ffff:192.168.1.2', port: 80 },
    { family: 'unix', path: '/tmp/a socket ü' },
    { family: 'unix', path: '\0abstract\0name\0' },
    { family: 'unix', path: '/'.repeat(107) },
    { family: 'unix', path: `\0${'x'.repeat(107)}` },
  ]
  for (const address of addresses) t.deepEqual(roundTrip(address), address)
})

test('the bytes are those of the C structures', (t) => {
  t.is(encodeAddress(LINUX, { family: 'ipv4', host: '1.2.3.4', port: 0x1234 }, bytes), 16)
  t.deepEqual([...bytes.subarray(0, 16)], [2, 0, 0x12, 0x34, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0])
  t.is(encodeAddress(LINUX, { family: 'ipv6', host: '1::2', port: 1, scopeId: 3 }, bytes), 28)
  t.deepEqual([...bytes.subarray(0, 10)], [10, 0, 0, 1, 0, 0, 0, 0, 0, 1])
  t.deepEqual([...bytes.subarray(22, 28)], [0, 2, 3, 0, 0, 0])
  t.is(encodeAddress(LINUX, { family: 'unix', path: '/a' }, bytes), 5)
  t.deepEqual([...bytes.subarray(0, 5)], [1, 0, 47, 97, 0])
  t.is(encodeAddress(LINUX, { family: 'unix', path: '\0a' }, bytes), 4)
})

test('a socket without a name has the empty path', (t) => {
  bytes.fill(7)
  bytes.set([1, 0])
  t.deepEqual(decodeAddress(LINUX, bytes, 2), { family: 'unix', path: '' })
  t.is(decodeAddress(LINUX, new Uint8Array([99, 0]), 2), null)
})

test('IPv6 text is understood in every notation and written in the shortest', (t) => {
  const cases = {
    '0:0:0:0:0:0:0:0': '::',
    '2001:DB8:0:0:8:800:200C:417A': '2001:db8::8:800:200c:417a',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
    '2001:db8::0:0:1': '2001:db8::1',
    '1:2:3:4:5:6:7::': '1:2:3:4:5:6:7:0',
    '1::': '1::',
    '::ffff:102:304': '::ffff:1.2.3.4',
    '::1.2.3.4': '::102:304',
    '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
  }
  for (const [text, canonical] of Object.entries(cases)) {
    const parsed = parseIPv6(text)
    t.not(parsed, null, text)
    t.is(formatIPv6(parsed as Uint8Array), canonical)
  }
})

test('what is no IP literal is refused', (t) => {
  for (const host of ['', '1.2.3', '1.2.3.4.5', '256.1.1.1', '01.2.3.4', '1.2.3.4 ', 'localhost', '0x7f.1']) {
    t.is(parseIPv4(host), null, host)
  }
  for (const host of [
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    '::1.2.3',
    '::1.2.3.256',
    '1.2.3.4',
    ':1',
    '1:',
    '::1%eth0',
  ]) {
    t.is(parseIPv6(host), null, host)
  }
})

test('unusable addresses throw a RangeError that says why', (t) => {
  const cases: [Address, RegExp][] = [
    [{ family: 'ipv4', host: 'localhost', port: 1 }, /"localhost": not an IPv4 address/],
    [{ family: 'ipv4', host: '::1', port: 1 }, /not an IPv4 address/],
    [{ family: 'ipv6', host: '1.2.3.4', port: 1 }, /not an IPv6 address/],
    [{ family: 'ipv6', host: 'fe80::1%eth0', port: 1 }, /number of an interface/],
    [{ family: 'ipv6', host: '::1', port: 1, scopeId: -1 }, /number of an interface/],
    [{ family: 'ipv4', host: '1.2.3.4', port: 65536 }, /port 65536/],
    [{ family: 'ipv4', host: '1.2.3.4', port: 1.5 }, /port 1.5/],
    [{ family: 'unix', path: '/'.repeat(108) }, /108 bytes: at most 107/],
    [{ family: 'unix', path: 'ü'.repeat(54) }, /108 bytes: at most 107/],
    [{ family: 'unix', path: `\0${'x'.repeat(108)}` }, /109 bytes: at most 108/],
    [{ family: 'unix', path: '' }, /empty/],
    [{ family: 'unix', path: '/a\0b' }, /with a/],
  ]
  for (const [address, message] of cases) {
    t.throws(() => encodeAddress(LINUX, address, bytes), { instanceOf: RangeError, message })
  }
})

test('a zone by number is a scope id', (t) => {
  t.deepEqual(roundTrip({ family: 'ipv6', host: 'fe80::1%2', port: 1 }), {
    family: 'ipv6',
    host: 'fe80::1',
    port: 1,
    scopeId: 2,
  })
})

test('an address has one spelling, and what is none has none', (t) => {
  const spellings: Readonly<Record<string, string | null>> = {
    '10.0.0.1': '10.0.0.1',
    '010.0.0.1': null,
    '::1': '::1',
    '0:0::0:1': '::1',
    'FE80::A%3': 'fe80::a',
    '1:0:0:2:0:0:0:3': '1:0:0:2::3',
    '::ffff:1.2.3.4': '::ffff:1.2.3.4',
    '1:2': null,
    localhost: null,
    '': null,
  }
  for (const [host, spelled] of Object.entries(spellings)) {
    t.is(canonicalHost(host), spelled, host)
    t.is(ipFamily(host), spelled === null ? null : host.includes(':') ? 'ipv6' : 'ipv4', host)
  }
})
