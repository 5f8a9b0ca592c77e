import{c as a}from"./shared.js";export{a as highlight};
