/**
 * The look of the elements. A page may set the variables; `light-dark` follows the page's
 * `color-scheme`, and so a site's switch between the two.
 */
export const STYLE = `
:host {
  --bg: var(--drupe-live-bg, light-dark(#f7f3ed, #24201d));
  --text: var(--drupe-live-text, light-dark(#22201d, #eee8df));
  --muted: var(--drupe-live-muted, light-dark(#625b53, #b3aaa0));
  --border: var(--drupe-live-border, light-dark(#d3c9bc, #4a423b));
  --accent: var(--drupe-live-accent, light-dark(#7a3e9d, #d0a8ea));
  --wait: var(--drupe-live-wait, light-dark(#d9c8e6, #55415f));
  --done: var(--drupe-live-done, light-dark(#256b42, #6dc08f));
  --failed: var(--drupe-live-failed, light-dark(#a32d26, #f08a82));
  --cancelled: var(--drupe-live-cancelled, light-dark(#8a5a0d, #efb455));
  display: block;
  margin-block: 1rem;
  color: var(--text);
  font: 0.9375rem/1.5 system-ui, sans-serif;
}
:host([hidden]) { display: none }
* { box-sizing: border-box; margin: 0 }
.bar { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; margin-bottom: 0.5rem }
.panes { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 0.75rem }
.panes > * { min-width: 0 }
.pane > :empty:not(pre) { display: none }
.pane { display: grid; gap: 0.75rem; align-content: start }
textarea, pre, svg {
  width: 100%;
  background: var(--bg);
  color: inherit;
  border: 1px solid var(--border);
  border-radius: 0.5rem;
}
textarea, pre { padding: 0.75rem; font: 0.8125rem/1.5 ui-monospace, monospace; tab-size: 2 }
textarea { resize: vertical; white-space: pre; overflow: auto; min-height: 14rem; display: block }
pre { min-height: 4.5rem; max-height: 20rem; overflow: auto; white-space: pre-wrap }
pre .at { color: var(--muted); user-select: none }
pre .error { color: var(--failed) }
button {
  font: inherit;
  padding: 0.25rem 0.875rem;
  border: 1px solid var(--accent);
  border-radius: 0.5rem;
  background: var(--accent);
  color: light-dark(#fff, #1a1816);
  cursor: pointer;
}
button.plain { background: transparent; color: var(--text) }
button:disabled { border-color: var(--border); background: transparent; color: var(--muted); cursor: default }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px }
label { display: inline-flex; gap: 0.375rem; align-items: center }
input { font: inherit; accent-color: var(--accent) }
input[type='number'] { width: 6rem; background: var(--bg); color: inherit; border: 1px solid var(--border); border-radius: 0.25rem }
.status { color: var(--muted) }
svg { display: block }
svg text { font: 12px ui-monospace, monospace; fill: var(--text) }
svg .time { fill: var(--muted) }
svg .tick, svg .branch { stroke: var(--border); fill: none }
svg .wait { fill: var(--wait) }
svg .run { fill: var(--accent) }
svg .cut { stroke: var(--cancelled); stroke-width: 3 }
svg .done { fill: var(--done) }
svg .failed { fill: var(--failed) }
svg .cancelled { fill: var(--cancelled) }
svg .state { font-weight: 700; fill: light-dark(#fff, #1a1816); pointer-events: none }
`
