/** Where a request comes from: the peer, or whom a proxy that we trust says it speaks for. */
import { BlockList, isIP } from "node:net"

/** An IPv4 address as itself, also where it comes as IPv6. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "")
const family = (address: string) => (isIP(address) === 6 ? "ipv6" : "ipv4")

const loopback = new BlockList()
loopback.addSubnet("127.0.0.0", 8, "ipv4")
loopback.addAddress("::1", "ipv6")

/** Whether only this machine can be there. */
export const isLoopback = (address: string): boolean => {
  const text = plain(address)
  return isIP(text) !== 0 && loopback.check(text, family(text))
}

/** Proxies: addresses, or networks like 10.0.0.0/8. Undefined: one of them is neither. */
export const parseProxies = (entries: ReadonlyArray<string>): BlockList | undefined => {
  const proxies = new BlockList()
  for (const entry of entries) {
    const [address = "", bits, more] = entry.split("/")
    const longest = isIP(address) === 6 ? 128 : 32
    if (isIP(address) === 0 || more !== undefined) return undefined
    if (bits === undefined) proxies.addAddress(address, family(address))
    else if (!/^\d{1,3}$/.test(bits) || Number(bits) > longest) return undefined
    else proxies.addSubnet(address, Number(bits), family(address))
  }
  return proxies
}

const isIn = (list: BlockList, address: string): boolean => isIP(address) !== 0 && list.check(address, family(address))

/** One network of IPv6 (/64) counts as one address: who has one has as many as they like. */
const counted = (address: string): string =>
  isIP(address) === 6 && !isLoopback(address) ? networkOf(address) : address

/** As what a connection's peer is counted; undefined: a proxy of ours, which speaks for many. */
export const peerAddress = (peer: string | undefined, proxies: BlockList): string | undefined => {
  const address = plain(peer ?? "")
  return isIn(proxies, address) ? undefined : counted(address)
}

/** The last address of X-Forwarded-For that is no proxy of ours: what stands before it is whatever its sender wrote. */
export const clientAddress = (
  peer: string | undefined,
  forwardedFor: string | undefined,
  proxies: BlockList
): string => {
  let client = plain(peer ?? "")
  const hops = (forwardedFor ?? "").split(",").map((hop) => plain(hop.trim()))
  while (isIn(proxies, client)) {
    const hop = hops.pop()
    if (hop === undefined || isIP(hop) === 0) break
    client = hop
  }
  return counted(client)
}

const networkOf = (address: string): string => {
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? []
  const groups = (text: string) => (text === "" ? [] : text.split(":"))
  const front = groups(head)
  const back = tail === undefined ? [] : groups(tail)
  const all = [...front, ...Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => "0"), ...back]
  return `${all.slice(0, 4).join(":")}::/64`
}
