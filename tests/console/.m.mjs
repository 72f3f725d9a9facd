import { chromium } from 'playwright-core';
const [out, h, ...files] = process.argv.slice(2);
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--allow-file-access-from-files'] });
const p = await b.newPage({ viewport: { width: 1800, height: Number(h) } });
const { writeFileSync } = await import('node:fs');
writeFileSync('/tmp/desk-m.html', `<body style="margin:0;display:flex;gap:8px;background:#888;align-items:flex-start">${files.map((f) => `<div style="flex:1;min-width:0;height:${h}px;overflow:hidden"><img style="width:100%" src="file://${f}"></div>`).join('')}`);
await p.goto('file:///tmp/desk-m.html'); await p.screenshot({ path: out }); await b.close();
