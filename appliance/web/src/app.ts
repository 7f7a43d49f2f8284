/** The clerk's screens: what the pages do beyond plain forms. Every word they show comes from the server. */
import "./background";
import { startClock } from "./clock";
import { startForms } from "./forms";
import { startKeys } from "./keys";
import { startLive } from "./live";
import { startUploads } from "./uploads";

document.documentElement.classList.replace("plain", "js");
startClock();
startForms();
startUploads();
startKeys();
startLive();
