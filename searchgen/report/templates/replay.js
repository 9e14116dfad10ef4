"use strict";
(() => {
  // Without this script the frames are a list; with it, one of them is shown at a time.
  const frames = Array.from(document.querySelectorAll("#frames > li"));
  const slider = document.getElementById("slider"), play = document.getElementById("play"), place = document.getElementById("place");
  const last = frames.length - 1;
  let timer = null;
  const show = (at) => {
    frames.forEach((frame, number) => { frame.hidden = number !== at; });
    slider.value = String(at);
    place.textContent = `${at + 1} of ${frames.length}`;
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    play.setAttribute("aria-pressed", "false");
  };
  const advance = () => { Number(slider.value) < last ? show(Number(slider.value) + 1) : stop(); };
  play.addEventListener("click", () => {
    if (timer !== null) { stop(); return; }
    if (Number(slider.value) === last) { show(0); }
    play.textContent = "Pause";
    play.setAttribute("aria-pressed", "true");
    timer = setInterval(advance, Math.max(80, Math.min(700, 12000 / frames.length)));
  });
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  document.getElementById("replay").classList.add("one");
  document.querySelector(".controls").hidden = false;
  window.addEventListener("beforeprint", () => { stop(); show(last); });
  show(last);
})();
