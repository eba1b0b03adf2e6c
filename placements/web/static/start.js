// Wakes the design system's components. No page needs this to work.
import { initAll } from "/assets/nhsuk.js";

initAll();
