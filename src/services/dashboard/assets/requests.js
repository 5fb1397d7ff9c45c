// What a person asks for on a page: requests are confirmed without leaving it, texts are copied, and a slash leads to the
// search. Without this file a request leads to a page of its own.
const dialog = document.querySelector('#dialog')
const confirmation = document.querySelector('#confirmation')

/** Has dashboard.js say this to whoever hears the page. */
const say = (text) => document.dispatchEvent(new CustomEvent('caretaker:say', { detail: text }))
/** Has dashboard.js draw the page anew at once. */
const asked = () => document.dispatchEvent(new CustomEvent('caretaker:asked'))

// ── requests ────────────────────────────────────────────────────────────────────────────────────────────────────
const lost = 'The daemon does not answer. Nothing is known of what became of it: try again in a moment.'

async function show(verb, path, options = {}) {
  confirmation.querySelector('[data-confirmation]')?.remove()
  await htmx.ajax(verb, path, { source: '#confirmation', target: '#confirmation', swap: 'innerHTML', ...options })
  if (!confirmation.querySelector('[data-confirmation]')) {
    const said = document.createElement('p')
    said.textContent = lost
    confirmation.replaceChildren(said)
  }
  if (!dialog.open) dialog.showModal()
  confirmation.querySelector('[data-focus]')?.focus()
}

document.addEventListener('submit', (event) => {
  const form = event.target
  const fields = new URLSearchParams(new FormData(form))
  if (form.matches('[data-confirm]') && dialog) {
    event.preventDefault()
    void show('GET', `${form.getAttribute('action')}?${fields}`)
  } else if (form.matches('[data-perform]') && dialog?.contains(form)) {
    event.preventDefault()
    for (const button of form.querySelectorAll('button')) button.disabled = true
    void show('POST', form.getAttribute('action'), { values: Object.fromEntries(fields) }).then(asked)
  }
})
document.addEventListener('click', (event) => {
  if (event.target.closest?.('[data-close]') && dialog?.open) {
    event.preventDefault()
    dialog.close()
  }
})
// ── copying ─────────────────────────────────────────────────────────────────────────────────────────────────────
/** Browsers give scripts no clipboard over plain HTTP, but copy what is selected. */
function copySelected(text, button) {
  const area = document.createElement('textarea')
  area.className = 'unseen'
  area.value = text
  // Within the same dialog: what is outside of it can't be selected.
  button.after(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  button.focus()
  return isCopied
}

async function copy(button) {
  const text = button.dataset.copy
  const isCopied = await (navigator.clipboard?.writeText(text) ?? Promise.reject()).then(
    () => true,
    () => copySelected(text, button),
  )
  say(isCopied ? 'Copied.' : 'This could not be copied: select it instead.')
  if (!isCopied) return
  button.classList.add('is-copied')
  setTimeout(() => button.classList.remove('is-copied'), 2_000)
}

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('button[data-copy]')
  if (button) void copy(button)
})
document.body.classList.add('is-scripted')

// As on other pages of logs: a slash leads to the search.
document.addEventListener('keydown', (event) => {
  const search = document.querySelector('[data-search]')
  if (event.key !== '/' || !search || dialog?.open || event.target.matches?.('input, select, textarea')) return
  event.preventDefault()
  search.focus()
})
dialog?.addEventListener('close', () => {
  confirmation.replaceChildren()
  asked()
})
