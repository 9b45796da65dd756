// What a person has chosen here, beside the theme: whether single keys do something.

const setting = 'single-keys'

export const singleKeys = () => localStorage.getItem(setting) !== 'off'
export const setSingleKeys = (/** @type {boolean} */ on) => localStorage.setItem(setting, on ? 'on' : 'off')
