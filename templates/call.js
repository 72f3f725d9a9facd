"use strict";
(function () {
  var sound = document.getElementById("sound");
  var channels = document.getElementById("channels");
  if (!sound || !channels) { return; }
  var total = Number(channels.dataset.ms) / 1000;
  var heads = channels.querySelectorAll(".head");
  var turns = Array.prototype.slice.call(document.querySelectorAll("#words li[data-from]"));
  function go(seconds) {
    sound.currentTime = Math.max(0, Math.min(seconds, total));
    var playing = sound.play();
    if (playing) { playing.catch(function () {}); }
  }
  turns.forEach(function (turn) {
    var time = turn.querySelector(".t");
    var button = document.createElement("button");
    button.type = "button";
    button.className = "t";
    button.textContent = time.textContent;
    button.setAttribute("aria-label", "Play from " + time.textContent);
    button.addEventListener("click", function () { go(Number(turn.dataset.from) / 1000); });
    time.replaceWith(button);
  });
  channels.classList.add("live");
  channels.querySelectorAll("svg").forEach(function (svg) {
    svg.addEventListener("click", function (event) {
      var box = svg.getBoundingClientRect();
      if (box.width > 0) { go((event.clientX - box.left) / box.width * total); }
    });
  });
  function show() {
    var at = sound.currentTime;
    var x = String(total > 0 ? at / total * 1000 : -9);
    heads.forEach(function (head) { head.setAttribute("x1", x); head.setAttribute("x2", x); });
    turns.forEach(function (turn) {
      var on = at * 1000 >= Number(turn.dataset.from) && at * 1000 < Number(turn.dataset.to) && !sound.ended;
      if (on) { turn.setAttribute("aria-current", "true"); } else { turn.removeAttribute("aria-current"); }
    });
  }
  sound.addEventListener("timeupdate", show);
  sound.addEventListener("seeked", show);
}());
