// What of a process can be reached from outside, as the kernel lists it: the process and its children, every kind of socket.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const rows = (path) => {
  try { return readFileSync(path, 'utf8').trim().split('\n').slice(1).map((l) => l.trim().split(/\s+/)); } catch { return []; }
};
const family = (pid) => [String(pid), ...readdirSync(`/proc/${pid}/task`)
  .flatMap((t) => { try { return readFileSync(`/proc/${pid}/task/${t}/children`, 'utf8').trim().split(' ').filter(Boolean); } catch { return []; } }).flatMap(family)];
const inodes = (pid) => readdirSync(`/proc/${pid}/fd`)
  .map((fd) => { try { return readlinkSync(`/proc/${pid}/fd/${fd}`); } catch { return ''; } })
  .filter((l) => l.startsWith('socket:[')).map((l) => l.slice(8, -1));

/**
 * `{ kind, at }` of every socket through which somebody else could speak to the process: a listening TCP socket, any socket
 * without connections (UDP, raw, ping, packets), and a UNIX socket that listens or has a name.
 */
export const reachable = (pid) => family(pid).flatMap((process) => {
  const own = new Set(inodes(process));
  const net = (name) => rows(`/proc/${process}/net/${name}`);
  const streams = ['tcp', 'tcp6'].flatMap((kind) => net(kind).filter((r) => own.has(r[9]) && r[3] === '0A').map((r) => ({ kind, at: r[1] })));
  const loose = ['udp', 'udp6', 'udplite', 'udplite6', 'raw', 'raw6', 'icmp', 'icmp6']
    .flatMap((kind) => net(kind).filter((r) => own.has(r[9])).map((r) => ({ kind, at: r[1] })));
  const packets = net('packet').filter((r) => own.has(r[8])).map((r) => ({ kind: 'packet', at: r[3] }));
  const accepts = (r) => (Number.parseInt(r[3], 16) & 0x10000) !== 0;
  const local = net('unix').filter((r) => own.has(r[6]) && (accepts(r) || r[7])).map((r) => ({ kind: 'unix', at: r[7] ?? '' }));
  return [...streams, ...loose, ...packets, ...local];
});
