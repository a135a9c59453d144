import { mount } from 'svelte'
import App from './shell/app.svelte'
import { startTheme } from './shell/theme.svelte.ts'
import './shell/base.css'

const target = document.getElementById('app')
if (target === null) throw new Error('the document has no #app')
startTheme()
mount(App, { target })
