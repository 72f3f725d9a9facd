// Accessibility and width of the page that is shown, in light and dark.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const SHOTS = process.env.CALLVAULT_SCREENSHOTS;

/** What is wrong with the page as it stands; a picture is kept where CALLVAULT_SCREENSHOTS says. */
export const faults = async (page, name) => {
  const out = [];
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    // The page's policy forbids added scripts, so axe comes by the debugger.
    await page.evaluate(source);
    const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0].html}`));
    out.push(...found.map((v) => `${name} in ${scheme}: ${v}`));
    if (SHOTS) await page.screenshot({ path: `${SHOTS}/practice-${name}-${scheme}.png`, fullPage: true });
  }
  await page.setViewportSize({ width: 390, height: 844 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) out.push(`${name} is ${wide} pixels wider than a telephone`);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
  return out;
};
