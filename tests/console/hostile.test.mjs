// What strangers send: each is refused cleanly, nothing fails inside, and one TLS port is all there is.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import tls from 'node:tls';
import net from 'node:net';
import { browser, keep, person, serve } from './vault.mjs';
import { reachable } from './sockets.mjs';
import { PASSWORD, enrol } from './staff.mjs';

let server; let chromium; let host; let port; let cookie;
before(async () => {
  server = await serve();
  ({ hostname: host, port } = new URL(server.origin));
  chromium = await browser();
  const { page, context } = await person(chromium);
  await enrol(page, server.first_administrator);
  cookie = (await context.cookies()).filter((c) => c.name === '__Host-callvault').map((c) => `${c.name}=${c.value}`).join('; ');
});
after(async () => { await chromium?.close(); await server?.stop(); });

/** Sends bytes as they are over TLS and reads the answer until the server closes or `ms` pass. */
const raw = (bytes, { ms = 3000 } = {}) => new Promise((done) => {
  let text = '';
  const socket = tls.connect({ host: '127.0.0.1', port, servername: host, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, () => {
    for (const part of [bytes].flat()) socket.write(part);
  });
  const end = () => { socket.destroy(); keep('refusals', text); done(text); };
  socket.on('data', (d) => { text += d.toString('latin1'); });
  socket.on('error', end); socket.on('close', end);
  setTimeout(end, ms);
});
const get = (path, extra = '') => `GET ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\nconnection: close\r\n${extra}\r\n`;
const post = (path, body, extra = '', type = 'application/x-www-form-urlencoded') =>
  `POST ${path} HTTP/1.1\r\nhost: ${host}:${port}\r\nconnection: close\r\ncontent-type: ${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${extra}\r\n${body}`;
const status = (text) => Number(text.slice(9, 12)) || 0;
const origin = () => `origin: ${server.origin}\r\n`;
const me = () => `cookie: ${cookie}\r\n`;

const HOSTILE = {
  'traversal in an asset': () => get('/assets/0/../../../etc/passwd'),
  'encoded traversal': () => get('/assets/0/%2e%2e%2f%2e%2e%2fetc%2fpasswd'),
  'double encoding': () => get('/assets/0/%252e%252e%252fetc%252fpasswd'),
  'null byte': () => get('/assets/0/app.css%00.html'),
  'backslashes': () => get('/assets/0/..\\..\\etc\\passwd'),
  'absolute form to elsewhere': () => get('http://169.254.169.254/latest/meta-data'),
  'header with a newline inside': () => get('/', 'x-a: b\r\n c: d\r\n'),
  'header injection by query': () => get('/?done=x%0d%0aset-cookie:%20a=b', me()),
  'two lengths': () => `POST /sign-in HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 4\r\ncontent-length: 40\r\n\r\nabcd`,
  'length and chunks': () => `POST /sign-in HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n`,
  'chunk with a huge length': () => `POST /sign-in HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/x-www-form-urlencoded\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n`,
  'a negative length': () => `POST /sign-in HTTP/1.1\r\nhost: ${host}\r\ncontent-length: -1\r\n\r\n`,
  'an address of 100 KB': () => get(`/${'a'.repeat(100_000)}`),
  'a header of 100 KB': () => get('/', `x-big: ${'a'.repeat(100_000)}\r\n`),
  'five hundred headers': () => get('/', Array.from({ length: 500 }, (_, i) => `x-${i}: 1\r\n`).join('')),
  'an unknown method': () => `BREW / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
  'TRACE': () => `TRACE / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`,
  'HTTP/0.9': () => 'GET /\r\n\r\n',
  'no host': () => 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n',
  'binary noise': () => Buffer.from(Array.from({ length: 2000 }, (_, i) => (i * 97) % 256)),
  'a form of 1 MB': () => post('/sign-in', `login=${'a'.repeat(1_000_000)}`, origin()),
  'a form from another site': () => post('/sign-in', 'login=a&password=b&code=c', 'origin: https://evil.example\r\n'),
  'a form without an origin': () => post('/sign-in', 'login=a&password=b&code=c'),
  'a form of a null origin': () => post('/sign-in', 'login=a&password=b&code=c', 'origin: null\r\n'),
  'a cross-site fetch': () => post('/sign-in', 'login=a&password=b&code=c', `${origin()}sec-fetch-site: cross-site\r\n`),
  'JSON where a form is expected': () => post('/sign-in', '{"login":"a"}', origin(), 'application/json'),
  'a form of another type': () => post('/sign-in', 'login=a', origin(), 'text/plain'),
  'broken percent signs': () => post('/sign-in', 'login=%&password=%zz&code=%', origin()),
  'a form with the same field twice': () => post('/sign-in', 'login=a&login=b&password=c&code=d', origin()),
  'SQL in the login': () => post('/sign-in', "login=' OR 1=1 --&password=x&code=000000", origin()),
  'a session that is made up': () => get('/', 'cookie: __Host-callvault=cvs_0000000000000000000000000000000000000000000\r\n'),
  'a session of 8 KB': () => get('/', `cookie: __Host-callvault=${'a'.repeat(8000)}\r\n`),
  'a key that is made up': () => get('/api/v1/session', 'authorization: Bearer cvk_guess\r\n'),
  'a link that is guessed': () => get('/enrol/cvi_0000000000000000000000000000000000000000000'),
  'a form of ours without its proof': () => post('/sign-out', 'x=1', origin() + me()),
  'a form of ours with another proof': () => post('/sign-out', 'csrf=00', origin() + me()),
  'an id that is none': () => get('/conversations/1%27%20OR%201=1', me()),
  'JSON nested a thousand deep': () => post('/sign-in/passkey/finish', '['.repeat(30_000), origin(), 'application/json'),
  'a range that is none': () => get('/assets/0/app.css', 'range: bytes=-1--5,99999999999999999999-\r\n'),
  'a polyglot upload as a form': () => post('/sign-in', 'GIF89a<script>alert(1)</script>RIFFxxxxWAVE', origin()),
  'markup in the login': () => post('/sign-in', 'login=<script>alert(1)</script>&password=x&code=1', origin()),
};

test('forty hostile requests are refused cleanly', async () => {
  for (const [name, make] of Object.entries(HOSTILE)) {
    const text = await raw(make());
    const code = status(text);
    assert.ok(code === 0 || (code >= 200 && code < 500), `${name}: ${text.slice(0, 200)}`);
    assert.ok(!text.includes('root:x:'), name);
    assert.ok(!/set-cookie: a=b/i.test(text), name);
    assert.ok(!text.includes('<script>alert'), name);
    assert.ok(!text.includes('__Host-callvault=cvs_'), `${name} signed somebody in`);
    // What is no HTTP is answered below us, by an empty page.
    const empty = /content-length: 0\r\n/i.test(text);
    if (code && !empty) assert.match(text, /content-security-policy: default-src 'none'/i, `${name} answers without the policy`);
  }
  assert.ok(Object.keys(HOSTILE).length >= 40);
  assert.match(await raw(get('/health')), /^HTTP\/1.1 200 /);
});

test('a body that drips and a head that never ends are cut', async () => {
  const began = Date.now();
  const text = await raw([`GET / HTTP/1.1\r\nhost: ${host}\r\n`, 'x-slow: '], { ms: 20_000 });
  assert.ok(Date.now() - began < 15_000, 'the head was waited for');
  assert.ok(status(text) === 0 || status(text) === 408);
});

test('ten wrong sign-ins lock a login, and the right password does not open it then', async () => {
  for (let i = 0; i < 10; i += 1) {
    assert.equal(status(await raw(post('/sign-in', `login=admin&password=wrong+wrong+wrong&code=00000${i}`, origin()))), 401);
  }
  const right = await raw(post('/sign-in', `login=admin&password=${encodeURIComponent(PASSWORD)}&code=123456`, origin()));
  assert.equal(status(right), 401);
  assert.match(right, /locked/);
});

test('the search for open sockets finds each kind', async () => {
  const script = `
    const [net, dgram, path] = [require('node:net'), require('node:dgram'), process.argv[1]];
    const open = [net.createServer().listen(0, '127.0.0.1'), net.createServer().listen(path), dgram.createSocket('udp4').bind(0, '127.0.0.1'), dgram.createSocket('udp6').bind(0, '::1')];
    Promise.all(open.map((s) => new Promise((done) => s.once('listening', done)))).then(() => console.log('open'));`;
  const dir = mkdtempSync(join(tmpdir(), 'callvault-sockets-'));
  const child = spawn(process.execPath, ['-e', script, join(dir, 's')], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await new Promise((done, fail) => { child.stdout.once('data', done); child.once('exit', () => fail(new Error('no sockets were opened'))); });
    assert.deepEqual(reachable(child.pid).map((s) => s.kind).sort(), ['tcp', 'udp', 'udp6', 'unix']);
  } finally { child.kill(); rmSync(dir, { recursive: true, force: true }); }
});

test('the server listens on one socket, and that one speaks TLS only', async () => {
  const at = `0100007F:${Number(port).toString(16).toUpperCase().padStart(4, '0')}`;
  assert.deepEqual(reachable(server.pid), [{ kind: 'tcp', at }]);
  const plain = await new Promise((done) => {
    let text = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'));
    socket.on('data', (d) => { text += d.toString('latin1'); });
    socket.on('close', () => done(text)); socket.on('error', () => done(text));
    setTimeout(() => { socket.destroy(); done(text); }, 3000);
  });
  assert.ok(!plain.startsWith('HTTP/'));
});

test('the log of all this names nobody and no secret', () => {
  const log = server.log();
  for (const secret of [PASSWORD, cookie.split('=')[1], '4111111111111111', 'alert(1)']) assert.ok(!log.includes(secret));
});
