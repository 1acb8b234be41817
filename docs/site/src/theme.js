// The reference is TypeDoc's and the rest is Starlight's: what was chosen there holds here, too.
const chosen = localStorage.getItem('starlight-theme')
if (chosen) localStorage.setItem('tsd-theme', chosen)
document.documentElement.dataset.theme = chosen || 'os'
