/* What furo leaves out for those who use a keyboard or a screen reader. */

/* What scrolls on its own can be reached by the Tab key, and scrolled by the arrows; what does not is no stop. */
function stops() {
  for (const one of document.querySelectorAll(".content pre, .content .table-wrapper")) {
    if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
    else one.removeAttribute("tabindex");
  }
}

window.addEventListener("DOMContentLoaded", () => {
  document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "All pages");
  document.querySelector(".toc-drawer")?.setAttribute("aria-label", "On this page");
  document.querySelectorAll('.caption[role="heading"]').forEach((one) => one.setAttribute("aria-level", "2"));
  stops();
});
window.addEventListener("load", stops);
window.addEventListener("resize", stops);
