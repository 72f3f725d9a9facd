// What strangers do with the protocols themselves: smuggling, chunks that are none, compressed bombs, floods of HTTP/2 frames, bodies
// that drip; and markup in every text that people can type or send. The server refuses or bears it, and goes on serving others.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import tls from 'node:tls';
import { gzipSync } from 'node:zlib';
import { after, before, test } from 'node:test';
import { browser, keep, person, serve } from './vault.mjs';
import { enrol, invite } from './staff.mjs';

let server; let chromium; let host; let port; let admin; let lead;
before(async () => {
  server = await serve();
  ({ hostname: host, port } = new URL(server.origin));
  chromium = await browser();
  admin = await person(chromium);
  await enrol(admin.page, server.first_administrator);
  await admin.page.goto(server.origin);
  lead = await person(chromium);
  await enrol(lead.page, await invite(admin.page, server.origin, 'lead', MARKUP, ['supervisor']));
});
after(async () => { await chromium?.close(); await server?.stop(); });

const MARKUP = '<img src=x onerror=alert(1)>"\'&';
const open = (alpn, act) => new Promise((done) => {
  const got = [];
  const socket = tls.connect({ host: '127.0.0.1', port, servername: host, rejectUnauthorized: false, ALPNProtocols: [alpn] }, () => act(socket));
  const end = () => { socket.destroy(); keep('refusals', Buffer.concat(got).toString('latin1')); done(Buffer.concat(got)); };
  socket.on('data', (d) => got.push(d)); socket.on('error', end); socket.on('close', end);
  setTimeout(end, 25_000).unref();
  socket.finish = end;
});
const raw = async (text, ms = 1500) => (await open('http/1.1', (socket) => { socket.write(text); setTimeout(socket.finish, ms).unref(); })).toString('latin1');
const usable = async (after) => assert.match(await raw(`GET /health HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`, 20_000), /^HTTP\/1.1 200 /, `nobody was served after ${after}`);

// A second request hides in each; an answer to it would be a second status line that is no refusal.
const HIDDEN = 'GET /hidden HTTP/1.1\r\nhost: x\r\n\r\n';
const head = (lines) => `POST /sign-in HTTP/1.1\r\nhost: ${host}\r\norigin: ${server.origin}\r\ncontent-type: application/x-www-form-urlencoded\r\n${lines}\r\n\r\n`;
const SMUGGLED = {
  'length and chunks': () => head(`content-length: ${HIDDEN.length + 5}\r\ntransfer-encoding: chunked`) + `0\r\n\r\n${HIDDEN}`,
  'chunks and length': () => head('transfer-encoding: chunked\r\ncontent-length: 4') + `0\r\n\r\n${HIDDEN}`,
  'two encodings': () => head('transfer-encoding: chunked\r\ntransfer-encoding: identity') + `0\r\n\r\n${HIDDEN}`,
  'an unknown encoding last': () => head('transfer-encoding: chunked, x') + `0\r\n\r\n${HIDDEN}`,
  'an encoding that is nearly one': () => head('transfer-encoding: xchunked') + `0\r\n\r\n${HIDDEN}`,
  'a space before the colon': () => head('transfer-encoding : chunked') + `0\r\n\r\n${HIDDEN}`,
  'a folded header': () => head('transfer-encoding:\r\n chunked') + `0\r\n\r\n${HIDDEN}`,
  'a tab in the encoding': () => head('transfer-encoding:\tchunked\r\ncontent-length: 3') + `0\r\n\r\n${HIDDEN}`,
  'two lengths': () => head(`content-length: 0\r\ncontent-length: ${HIDDEN.length}`) + HIDDEN,
  'a list of lengths': () => head(`content-length: 0, ${HIDDEN.length}`) + HIDDEN,
  'a length with a plus': () => head('content-length: +0') + HIDDEN,
  'a length in hex': () => head('content-length: 0x0') + HIDDEN,
  'a length past 2^64': () => head('content-length: 18446744073709551616') + HIDDEN,
  'a bare line feed in the head': () => `POST /sign-in HTTP/1.1\nhost: ${host}\ncontent-length: 0\ntransfer-encoding: chunked\n\n0\n\n${HIDDEN}`,
  'a null in a header': () => head('x-a: b\0c\r\ncontent-length: 0\r\ntransfer-encoding: chunked') + HIDDEN,
};
const CHUNKS = {
  'a negative chunk': '-1\r\nabc\r\n0\r\n\r\n', 'a chunk in words': 'five\r\nlogin\r\n0\r\n\r\n', 'a chunk past 2^64': '10000000000000000\r\na\r\n0\r\n\r\n',
  'a chunk with a prefix': '0x5\r\nlogin\r\n0\r\n\r\n', 'a chunk longer than said': '3\r\nlogin\r\n0\r\n\r\n', 'an endless extension': `5;${'a'.repeat(300_000)}\r\nlogin\r\n0\r\n\r\n`,
  'thousands of trailers': `0\r\n${Array.from({ length: 5_000 }, (_, i) => `x-${i}: 1\r\n`).join('')}\r\n`, 'a trailer that is a header': '0\r\ncookie: __Host-callvault=x\r\n\r\n',
};

test('what is sent as one request is answered as one', async () => {
  for (const [name, make] of Object.entries(SMUGGLED)) {
    const text = await raw(make());
    const answers = [...text.matchAll(/HTTP\/1\.1 (\d\d\d)/g)].map((m) => Number(m[1]));
    assert.ok(answers.length <= 1 && answers.every((s) => s >= 400 && s < 500), `${name}: ${answers}`);
  }
  for (const [name, body] of Object.entries(CHUNKS)) {
    const text = await raw(head('transfer-encoding: chunked') + body);
    const answers = [...text.matchAll(/HTTP\/1\.1 (\d\d\d)/g)].map((m) => Number(m[1]));
    assert.ok(answers.every((s) => s >= 400 && s < 500), `${name}: ${answers}`);
  }
  await usable('all of them');
});

test('nothing compressed is unpacked', async () => {
  const bomb = gzipSync(Buffer.alloc(8_000_000, 'a'));
  for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'gzip, gzip']) {
    const lines = `content-encoding: ${encoding}\r\ncontent-length: ${bomb.length}\r\nconnection: close`;
    const text = await new Promise((done) => {
      const socket = tls.connect({ host: '127.0.0.1', port, servername: host, rejectUnauthorized: false }, () => { socket.write(head(lines)); socket.write(bomb); });
      let all = ''; socket.on('data', (d) => { all += d.toString('latin1'); }); socket.on('close', () => done(all)); socket.on('error', () => done(all));
      setTimeout(() => socket.destroy(), 4000);
    });
    assert.match(text, /^HTTP\/1\.1 4\d\d /, encoding);
  }
});

test('a body that drips is cut, and its connection with it', async () => {
  const began = Date.now();
  const text = (await open('http/1.1', (socket) => {
    socket.write(head('content-length: 60000') + 'login=');
    const drip = setInterval(() => { if (socket.writable) socket.write('a'); }, 500);
    socket.on('close', () => clearInterval(drip));
    socket.on('data', () => setTimeout(socket.finish, 200));
  })).toString('latin1');
  assert.ok(Date.now() - began < 24_000, 'the body was waited for');
  assert.match(text, /^HTTP\/1\.1 408 /);
});

test('an answer before the end of the body keeps the connection or says that it ends', async () => {
  const early = (length) => head(`content-length: ${length}`).replace('application/x-www-form-urlencoded', 'text/plain');
  for (const [length, kept] of [[50_000, true], [600_000, false]]) {
    const text = (await open('http/1.1', (socket) => {
      socket.write(early(length));
      setTimeout(() => socket.write(Buffer.alloc(length, 'a')), 200).unref();
      socket.once('data', () => setTimeout(() => socket.write(`GET /health HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`, () => {}), 100));
      setTimeout(socket.finish, 6_000).unref();
    })).toString('latin1');
    const answers = [...text.matchAll(/HTTP\/1\.1 (\d\d\d)/g)].map((m) => Number(m[1]));
    assert.deepEqual(answers, kept ? [415, 200] : [415], `${length}: ${text}`);
    assert.equal(/connection: close/i.test(text.split('\r\n\r\n')[0]), !kept, `${length}: ${text}`);
  }
});

/** One HTTP/2 frame (RFC 9113). */
const frame = (type, flags, stream, payload = Buffer.alloc(0)) => {
  const out = Buffer.alloc(9);
  out.writeUIntBE(payload.length, 0, 3); out[3] = type; out[4] = flags; out.writeUInt32BE(stream, 5);
  return Buffer.concat([out, payload]);
};
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const GET = Buffer.concat([Buffer.from([0x82, 0x87, 0x84, 0x41, 9]), Buffer.from('localhost')]);
const many = (n, make) => Buffer.concat(Array.from({ length: n }, (_, i) => make(i)));
const FLOODS = {
  'streams opened and reset at once': () => many(20_000, (i) => Buffer.concat([frame(1, 5, i * 2 + 1, GET), frame(3, 0, i * 2 + 1, Buffer.from([0, 0, 0, 8]))])),
  'headers that never end': () => Buffer.concat([frame(1, 1, 1, GET), many(3_000, () => frame(9, 0, 1, Buffer.alloc(1000, 0x40)))]),
  'a table of headers that grows': () => Buffer.concat([frame(1, 5, 1, Buffer.concat([GET, Buffer.from([0x40, 1, 0x61, 0x7f, 0x81, 0x1f]), Buffer.alloc(4096, 0x61), ...Array.from({ length: 12_000 }, () => Buffer.from([0xbe]))]).subarray(0, 16_000))]),
  'settings without end': () => many(30_000, () => frame(4, 0, 0, Buffer.from([0, 4, 0, 0, 255, 255]))),
  'pings without end': () => many(30_000, () => frame(6, 0, 0, Buffer.alloc(8))),
  'empty frames of data': () => Buffer.concat([frame(1, 4, 1, GET), many(30_000, () => frame(0, 0, 1))]),
  'more streams than allowed': () => many(5_000, (i) => frame(1, 5, i * 2 + 1, GET)),
  'a window of nothing': () => Buffer.concat([frame(4, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0])), many(60, (i) => frame(1, 5, i * 2 + 1, GET))]),
  'windows past their end': () => Buffer.concat([frame(8, 0, 0, Buffer.from([0x7f, 255, 255, 255])), frame(8, 0, 0, Buffer.from([0x7f, 255, 255, 255]))]),
  'a frame of 16 MB': () => Buffer.concat([frame(1, 5, 1, GET).subarray(0, 0), Buffer.from([255, 255, 255, 0, 0, 0, 0, 0, 1]), Buffer.alloc(100_000)]),
  'an even stream': () => frame(1, 5, 2, GET),
  'a stream that depends on itself': () => frame(2, 0, 1, Buffer.from([0, 0, 0, 1, 0])),
};

test('floods of HTTP/2 frames keep nobody else out', async () => {
  for (const [name, make] of Object.entries(FLOODS)) {
    await open('h2', (socket) => {
      socket.write(Buffer.concat([PREFACE, frame(4, 0, 0)]));
      socket.write(make());
      setTimeout(socket.finish, 1200);
    });
    await usable(name);
  }
  // Four thousand requests begun and given up by a client that keeps the rules otherwise.
  const client = http2.connect(server.origin, { rejectUnauthorized: false });
  client.on('error', () => {});
  for (let n = 0; n < 4_000 && !client.destroyed && !client.closed; n += 1) {
    const request = client.request({ ':path': '/sign-in' });
    request.on('error', () => {});
    request.close(http2.constants.NGHTTP2_CANCEL);
    if (n % 500 === 0) await new Promise((r) => { setImmediate(r); });
  }
  client.destroy();
  await usable('all of them');
});

test('markup in what people type and send is text on every page', async () => {
  const alerts = [];
  for (const who of [admin, lead]) who.page.on('dialog', (d) => { alerts.push(d.message()); d.dismiss(); });
  const chat = JSON.stringify({ channel: 'chat', parties: [{ role: 'customer', name: MARKUP, address: 'a@example.com' }, { role: 'agent', name: MARKUP }],
    turns: [{ party: 0, text: `${MARKUP} <script>alert(2)</script>` }, { party: 1, text: '</li></ol><svg onload=alert(3)>' }] });
  const mail = `From: "${MARKUP.replaceAll('"', '')}" <a@example.com>\r\nTo: b@example.org\r\nSubject: ${MARKUP}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n`
    + `--b\r\nContent-Type: text/html\r\n\r\n<p>hello</p><script>alert(4)</script>${MARKUP}\r\n`
    + `--b\r\nContent-Type: application/x-thing; name="${MARKUP.replaceAll('"', '')}"\r\nContent-Disposition: attachment; filename="${MARKUP.replaceAll('"', '')}.bin"\r\n\r\n${MARKUP}\r\n--b--\r\n`;
  const kept = [];
  for (const [channel, name, body] of [['Chat', `${MARKUP.replaceAll('"', '')}.json`, chat], ['E-mail', `${MARKUP.replaceAll('"', '')}.eml`, mail]]) {
    await lead.page.goto(`${server.origin}/conversations/new`);
    await lead.page.locator('select[name=channel], input[name=channel]').first().waitFor();
    const choice = lead.page.locator('select[name=channel]');
    if (await choice.count()) await choice.selectOption(channel === 'Chat' ? 'chat' : 'email');
    else await lead.page.locator(`input[name=channel][value=${channel === 'Chat' ? 'chat' : 'email'}]`).check();
    await lead.page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(body) });
    await lead.page.locator('main form button').last().click();
    await lead.page.waitForURL(/\/conversations\//);
    kept.push(lead.page.url().split('?')[0]);
  }
  await admin.page.goto(`${server.origin}/settings`);
  const seen = [[lead, kept[0]], [lead, kept[1]], [lead, `${server.origin}/conversations`], [lead, `${server.origin}/?done=${encodeURIComponent(MARKUP)}`],
    [admin, `${server.origin}/people`], [admin, `${server.origin}/ledger?kind=${encodeURIComponent(MARKUP)}`], [admin, `${server.origin}/settings`], [admin, `${server.origin}/retention`]];
  for (const [who, address] of seen) {
    await who.page.goto(address);
    const choose = who.page.locator('form[action$="/purpose"] button');
    if (await choose.count()) await choose.first().click();
    assert.equal(await who.page.locator('img[onerror], svg[onload], script:not([src])').count(), 0, address);
  }
  await admin.page.goto(`${server.origin}/people`);
  assert.ok((await admin.page.locator('main').innerText()).includes(MARKUP), 'the name is shown as it was typed');
  assert.deepEqual(alerts, []);
  assert.deepEqual([...admin.reports, ...lead.reports], []);
});

test('the log of all this holds no failure, no session and nothing that was sent', async () => {
  const log = server.log();
  const failure = /panicked|^\s*(\u001b\[31m)?ERROR/m;
  assert.ok(!failure.test(log), log.split('\n').find((l) => failure.test(l)));
  for (const who of [admin, lead]) {
    for (const cookie of await who.context.cookies()) assert.ok(!log.includes(cookie.value));
  }
  for (const text of ['alert(1)', 'onerror', '/hidden']) assert.ok(!log.includes(text), text);
});
